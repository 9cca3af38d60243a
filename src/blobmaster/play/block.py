"""Plays a block of self-play by search: a pure function of (evaluator, settings, stream).

A block plays its rounds through a fixed number of slots in lock-step: each step asks the evaluator
once for the waiting leaves of every slot. Batches are made of the block's own rounds alone: a row's
last bit may depend on the batch that it was in, and so a block's result depends on nothing outside
it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from blobmaster.game.records import Rounds
from blobmaster.game.rules import ACTIONS, MAX_LEGAL, PLAYERS, ROUND, STATE, State, is_bidding
from blobmaster.kernels import kernel
from blobmaster.play.deals import Deals
from blobmaster.play.settings import SelfPlaySettings
from blobmaster.play.slots import (
    IDLE,
    Block,
    decide,
    draw_edge,
    new_block,
    records_of,
    refill,
    write_policy,
)
from blobmaster.search.search import (
    Evaluator,
    Search,
    advance,
    begin,
    gather,
    new_search,
    root_action,
    root_visits,
)
from blobmaster.search.settings import SearchSettings
from blobmaster.search.tree import Priors, Values


def play_block(
    evaluator: Evaluator,
    deals: Deals,
    search: SearchSettings,
    settings: SelfPlaySettings,
    *,
    abandon: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end, each decision by a search.

    Args:
        evaluator: asked once a step; room for `slots × worlds` rows is enough.
        deals: the rounds to play and their random streams.
        search: the worlds and simulations of a decision.
        settings: slots and temperatures.
        abandon: looked at between two steps; when true the block is given up.
        on_rounds: told how many rounds were finished by a step.

    Returns:
        The rounds in the order of `deals`, or None if the block was abandoned.
    """
    slots = min(settings.slots, len(deals))
    block = new_block(deals, slots)
    temperatures = np.array(
        [settings.bid_temperature, settings.play_temperature, settings.last_temperature]
    )
    searches = new_search(slots, search, explore=True)
    rows = np.zeros((slots * search.worlds, STATE), np.int64)
    _begin(block, searches)
    finished = 0
    while not abandon():
        count = _gather(block, searches, rows)
        if block.finished[0] > finished:
            on_rounds(int(block.finished[0]) - finished)
            finished = int(block.finished[0])
        if count == 0:
            return records_of(block)
        priors, values = evaluator.evaluate(rows[:count])
        _advance(block, searches, temperatures, priors, values)
    return None


@kernel
def _begin(block: Block, search: Search) -> None:
    for slot in range(len(block.round_of)):
        if refill(block, slot):
            begin(search, slot, block.state[slot], block.streams[block.round_of[slot]])


@kernel
def _gather(block: Block, search: Search, rows: State) -> int:
    """Write every slot's waiting leaves into `rows`; return how many there are."""
    count = 0
    for slot in range(len(block.round_of)):
        if block.round_of[slot] != IDLE:
            count = gather(search, slot, rows, count)
    return count


@kernel
def _advance(
    block: Block,
    search: Search,
    temperatures: npt.NDArray[np.float64],
    priors: Priors,
    values: Values,
) -> None:
    """Take the answers; a slot whose search is done acts, and begins its next search."""
    for slot in range(len(block.round_of)):
        number = block.round_of[slot]
        if number == IDLE or not advance(search, slot, priors, values, block.streams[number]):
            continue
        if _act(block, search, slot, temperatures):
            begin(search, slot, block.state[slot], block.streams[block.round_of[slot]])


@kernel
def _act(block: Block, search: Search, slot: int, temperatures: npt.NDArray[np.float64]) -> bool:
    """Take the searched decision; whether there is another one."""
    visits = np.empty(MAX_LEGAL, np.int64)
    count = root_visits(search, slot, visits)
    shares = visits / visits.sum()
    write_policy(block, slot, shares, count)
    temperature = _temperature(temperatures, block.state[slot])
    edge = draw_edge(shares, count, temperature, block.streams[block.round_of[slot]])
    return decide(block, slot, root_action(search, slot, edge))


@kernel
def _temperature(temperatures: npt.NDArray[np.float64], state: State) -> float:
    """Of a decision, by the temperatures of bids, of the first card and of the last."""
    bid, first, last = temperatures
    if is_bidding(state):
        return bid
    players = state[PLAYERS]
    share = (state[ACTIONS] - players) / max(players * state[ROUND] - 1, 1)
    return first + share * (last - first)
