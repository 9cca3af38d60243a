"""Play a block of self-play by search: a pure function of (evaluator, settings, streams).

A block plays its rounds in a fixed number of lanes in lock-step: each step evaluates the waiting
leaves of all lanes in one batch. A batch holds rows of this block alone. The last bit of a row's
result may depend on the size of its batch, so batches shared between blocks would make a block
depend on what else happens to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.rules import ACTIONS, DEALT, MAX_LEGAL, PLAYERS, State, is_bidding
from blobmaster.inference.evaluator import Evaluator
from blobmaster.inference.stepping import advances, play_to_end
from blobmaster.kernels.compile import inlined_kernel, inner_kernel, kernel, lean_kernel
from blobmaster.kernels.rng import uniform
from blobmaster.search.batch import EvaluationRequests, Search, new_requests, new_search
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_action,
    root_choice,
    root_policy,
)
from blobmaster.search.tree import Priors, Values
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import (
    IDLE,
    Block,
    ProgressCounter,
    decide,
    draw_edge,
    is_network_opponent,
    new_block,
    records_of,
    refill,
    write_policy,
)


class SearchBlock(NamedTuple):
    """A block in play, one search per lane."""

    block: Block
    search: Search
    requests: EvaluationRequests
    temperatures: npt.NDArray[np.float64]
    """`[3]`: for bids, for the round's first card, for its last."""
    full_share: float
    """Share of decisions that are searched in full."""
    cheap_simulations: int
    """Simulations per tree for the other decisions."""


def play_block(
    evaluator: Evaluator,
    deals: Deals,
    search: SearchSettings,
    settings: SelfPlaySettings,
    *,
    should_stop: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end, each decision by a search.

    Args:
        evaluator: called once per step; needs room for `lanes × search.trees` rows.
        deals: the rounds to play and their random streams.
        search: settings of each decision's search.
        settings: lanes, temperatures, and the share of decisions that are searched in full.
        should_stop: checked between steps; the block stops when it returns True.
        on_rounds: called with the number of rounds that were finished since its last call.

    Returns:
        The rounds in the order of `deals`, or None if the block was stopped.
    """
    # More lanes than games would stay idle, and their trees would only take memory.
    lanes = min(settings.lanes, deals.games)
    block = new_block(deals, lanes, settings)
    state = SearchBlock(
        block=block,
        search=new_search(lanes, search),
        requests=new_requests(lanes, search),
        temperatures=np.array(
            [settings.bid_temperature, settings.play_temperature, settings.last_temperature]
        ),
        full_share=settings.full_share,
        cheap_simulations=_cheap_simulations(settings, search),
    )
    _begin(state)
    progress = ProgressCounter(block, on_rounds)
    done = play_to_end(evaluator, state, should_stop=should_stop, on_step=progress.report)
    return records_of(block) if done else None


def _cheap_simulations(settings: SelfPlaySettings, search: SearchSettings) -> int:
    """Simulations of each tree in a cheap search."""
    # A shared tree gets the simulations of all worlds, as in a full search.
    per_world = min(settings.cheap_simulations, search.simulations)
    return per_world * search.worlds // search.trees


@kernel
def _begin(state: SearchBlock) -> None:
    """Deal, begin every lane's first search, and request its evaluations."""
    for lane in range(len(state.block.round_of)):
        if refill(state.block, lane):
            _begin_lane(state, lane)
    _request_all(state)


@inner_kernel
def _begin_lane(state: SearchBlock, lane: int) -> None:
    """Begin the lane's search: in full with exploration at the root, or cheaply without it."""
    block, search = state.block, state.search
    # All draws of a round, its worlds and noise included, come from the round's own stream, not
    # from the lane's: which lane plays a round depends on the other rounds.
    stream = block.streams[block.round_of[lane]]
    # At a share of 1 nothing is drawn, so the round's stream goes on as if there were no choice.
    full = state.full_share == 1.0 or uniform(stream) < state.full_share
    full = full and not is_network_opponent(
        block.state[lane]
    )  # nothing is learned from a noisy self
    # Only a full search explores: noise serves the policy that is learned, and
    # a cheap search has none.
    simulations = search.simulations if full else state.cheap_simulations
    begin_search(search, lane, block.state[lane], simulations, full, stream)


@inlined_kernel
def _request_all(state: SearchBlock) -> None:
    """Request the evaluations that the lanes wait for."""
    # Rows are numbered anew at every step, in the order of the lanes, so a
    # batch stays without gaps.
    state.requests.rows[:] = 0
    for lane in range(len(state.block.round_of)):
        if state.block.round_of[lane] != IDLE:
            request_evaluations(state.search, lane, state.requests)


@advances(SearchBlock)
@lean_kernel
def _advance(state: SearchBlock, priors: Priors, values: Values) -> None:
    """Move every search on; a lane whose search is done acts and begins its next search."""
    block = state.block
    for lane in range(len(block.round_of)):
        number = block.round_of[lane]
        if number == IDLE:
            continue
        if not advance_search(state.search, lane, priors, values, block.streams[number]):
            continue
        # The next search begins in the same step, and its root joins the next batch. Otherwise each
        # decision would cost the lane a step with nothing to evaluate.
        if _act(state, lane):
            _begin_lane(state, lane)
    _request_all(state)


@kernel
def _act(state: SearchBlock, lane: int) -> bool:
    """Record and take the searched decision; return True if another decision follows.

    A cheap search decides, but leaves an empty policy: nothing is learned from it.
    """
    block, search = state.block, state.search
    shares = np.empty(MAX_LEGAL, np.float64)
    count = root_policy(search, lane, shares)
    edge = root_choice(search, lane)
    if not search.gumbel:  # Gumbel noise has already drawn the action
        number = block.round_of[lane]
        temperature = _temperature(state.temperatures, block.state[lane])
        if block.greedy[number]:
            temperature = 0.0
        if is_network_opponent(block.state[lane]):
            temperature = block.network_opponent_temperature
        edge = draw_edge(shares, count, temperature, block.streams[number])
    # `explores` marks a full search (see `_begin_lane`): playout cap randomization, Wu 2019.
    if not search.explores[lane]:
        shares[:] = 0.0
    # Before `decide`, which moves the lane on, perhaps to another round.
    write_policy(block, lane, shares, count)
    return decide(block, lane, root_action(search, lane, edge))


@inner_kernel
def _temperature(temperatures: npt.NDArray[np.float64], state: State) -> float:
    """Return a decision's temperature: of bids, or between the first card's and the last's."""
    bid, first, last = temperatures
    if is_bidding(state):
        return bid
    players = state[PLAYERS]
    # The share of the cards played so far: 0 at the round's first card, 1 at its last.
    share = (state[ACTIONS] - players) / max(players * state[DEALT] - 1, 1)
    return first + share * (last - first)
