"""Plays one block of self-play: a pure function of (evaluator, settings, stream).

A block plays its rounds through a fixed number of slots in lock-step: each step asks the evaluator
once for the waiting leaves of every slot. A finished round's slot is dealt the block's next one, so
no round waits for another. Batches are made of the block's own rounds alone: a row's last bit may
depend on the batch that it was in, and so a block's result depends on nothing outside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import FULL_SHARE, MAX_POLICY_BYTES, Rounds, join
from blobmaster.game.rules import (
    ACTIONS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    STATE,
    State,
    apply,
    deal_into,
    is_bidding,
    is_over,
    only_action,
)
from blobmaster.kernels import kernel
from blobmaster.play.deals import Deals
from blobmaster.play.settings import SelfPlaySettings
from blobmaster.randomness import Stream, uniform
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
from blobmaster.search.tree import MAX_PATH, Priors, Values

IDLE = -1


class _Block(NamedTuple):
    """A block being played: R rounds through S slots."""

    plan: npt.NDArray[np.int64]
    """`[R, 4]`: players, cards, trump, dealer."""
    deck: npt.NDArray[np.int64]
    """`[R, 52]`."""
    streams: npt.NDArray[np.uint64]
    """`[R, 1]`: each round's own random stream."""
    round_of: npt.NDArray[np.int64]
    """`[S]`: the round that a slot plays, or `IDLE`."""
    state: State
    """`[S, STATE]`."""
    begun: npt.NDArray[np.int64]
    """`[1]`: rounds dealt so far."""
    finished: npt.NDArray[np.int64]
    """`[1]`: rounds played to the end."""
    actions: npt.NDArray[np.uint8]
    """`[R, MAX_PATH]`."""
    policy: npt.NDArray[np.uint8]
    """`[R, MAX_POLICY_BYTES]`."""
    policy_bytes: npt.NDArray[np.int64]
    """`[R]`: how much of `policy` is written."""
    decisions: npt.NDArray[np.int64]
    """`[R]`: real choices so far."""
    bid_temperature: float
    play_temperature: float
    last_temperature: float


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
    block = _new_block(deals, slots, settings)
    searches = new_search(slots, search, explore=True)
    rows = np.zeros((slots * search.worlds, STATE), np.int64)
    priors = np.zeros((1, MAX_LEGAL), np.float32)
    values = np.zeros((1, MAX_PLAYERS), np.float32)
    finished = 0
    while not abandon():
        count = _step(block, searches, priors, values, rows)
        if block.finished[0] > finished:
            on_rounds(int(block.finished[0]) - finished)
            finished = int(block.finished[0])
        if count == 0:
            return _records(block)
        priors, values = evaluator.evaluate(rows[:count])
    return None


def _new_block(deals: Deals, slots: int, settings: SelfPlaySettings) -> _Block:
    rounds = len(deals)
    return _Block(
        plan=deals.plan,
        deck=deals.deck,
        streams=deals.streams.copy(),
        round_of=np.full(slots, IDLE, np.int64),
        state=np.zeros((slots, STATE), np.int64),
        begun=np.zeros(1, np.int64),
        finished=np.zeros(1, np.int64),
        actions=np.zeros((rounds, MAX_PATH), np.uint8),
        policy=np.zeros((rounds, MAX_POLICY_BYTES), np.uint8),
        policy_bytes=np.zeros(rounds, np.int64),
        decisions=np.zeros(rounds, np.int64),
        bid_temperature=settings.bid_temperature,
        play_temperature=settings.play_temperature,
        last_temperature=settings.last_temperature,
    )


@kernel
def _step(block: _Block, search: Search, priors: Priors, values: Values, rows: State) -> int:
    """Move every slot on to where it waits for evaluations; return how many rows wait."""
    count = 0
    for slot in range(len(block.round_of)):
        if block.round_of[slot] == IDLE:
            if not _deal_next(block, search, slot):
                continue
        else:
            stream = block.streams[block.round_of[slot]]
            if advance(search, slot, priors, values, stream) and not _act(block, search, slot):
                continue
        count = gather(search, slot, rows, count)
    return count


@kernel
def _deal_next(block: _Block, search: Search, slot: int) -> bool:
    """Deal the block's next round into the slot; whether there was one."""
    number = block.begun[0]
    if number == len(block.plan):
        block.round_of[slot] = IDLE
        return False
    block.begun[0] = number + 1
    block.round_of[slot] = number
    players, cards, trump, dealer = block.plan[number]
    deal_into(block.state[slot], players, cards, trump, dealer, block.deck[number])
    begin(search, slot, block.state[slot], block.streams[number])
    return True


@kernel
def _act(block: _Block, search: Search, slot: int) -> bool:
    """Take the searched decision, and begin the slot's next one; whether there is one."""
    number = block.round_of[slot]
    state = block.state[slot]
    visits = np.empty(MAX_LEGAL, np.int64)
    count = root_visits(search, slot, visits)
    _write_policy(block, number, visits, count)
    edge = draw_edge(visits, count, _temperature(block, state), block.streams[number])
    _take(block, number, state, root_action(search, slot, edge))
    while not is_over(state):
        action = only_action(state)
        if action < 0:
            begin(search, slot, state, block.streams[number])
            return True
        _take(block, number, state, action)
    block.finished[0] += 1
    return _deal_next(block, search, slot)


@kernel
def _take(block: _Block, number: int, state: State, action: int) -> None:
    block.actions[number, state[ACTIONS]] = action
    apply(state, action)


@kernel
def _write_policy(block: _Block, number: int, visits: npt.NDArray[np.int64], count: int) -> None:
    total = 0
    for edge in range(count):
        total += visits[edge]
    start = block.policy_bytes[number]
    for edge in range(count):
        block.policy[number, start + edge] = (FULL_SHARE * visits[edge] + total // 2) // total
    block.policy_bytes[number] = start + count
    block.decisions[number] += 1


@kernel
def _temperature(block: _Block, state: State) -> float:
    if is_bidding(state):
        return block.bid_temperature
    players = state[PLAYERS]
    share = (state[ACTIONS] - players) / max(players * state[ROUND] - 1, 1)
    return block.play_temperature + share * (block.last_temperature - block.play_temperature)


@kernel
def draw_edge(visits: npt.NDArray[np.int64], count: int, temperature: float, stream: Stream) -> int:
    """An edge drawn in proportion to visits^(1 / temperature); the most visited at 0."""
    most = 0
    for edge in range(count):
        if visits[edge] > visits[most]:
            most = edge
    if temperature == 0.0:
        return most
    total = 0.0
    for edge in range(count):
        total += (visits[edge] / visits[most]) ** (1.0 / temperature)
    left = uniform(stream) * total
    for edge in range(count):
        left -= (visits[edge] / visits[most]) ** (1.0 / temperature)
        if left < 0.0:
            return edge
    return most


def _records(block: _Block) -> Rounds:
    return join(_record(block, number) for number in range(len(block.plan)))


def _record(block: _Block, number: int) -> Rounds:
    players, cards, _, _ = block.plan[number]
    dealt = players * cards
    data = np.concatenate(
        [
            block.plan[number].astype(np.uint8),
            block.deck[number, :dealt].astype(np.uint8),
            block.actions[number, : players + dealt],
            block.policy[number, : block.policy_bytes[number]],
        ]
    )
    return Rounds(data, np.array([0, len(data)]), block.decisions[number : number + 1])
