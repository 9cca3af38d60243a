"""Play a block by the actor's policy, and improve that policy by a one-step lookahead.

Each action is drawn from the actor's priors, so no choice depends on a hidden card. The policy
target is `prior × exp(policy_step × value)`, a step of mirror descent (Tomar et al. 2020), with the
values of the critic, which sees the dealt hands. A deal is a fair draw from the worlds that are
possible for a seat, given also what the others' bids and plays tell. So the mean of the targets
over many deals depends only on what the seat can see.

An action's value is the acting seat's expected points of the round, divided by the most it could
make; in games, its share of the win (see `blobmaster.selfplay.win_values`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.rules import SEAT, legal_actions, legal_count
from blobmaster.inference.evaluator import Evaluator
from blobmaster.inference.stepping import advances, play_to_end
from blobmaster.kernels.arrays import largest
from blobmaster.kernels.compile import inner_kernel, lean_kernel
from blobmaster.search.batch import EvaluationRequests
from blobmaster.search.tree import Priors, Values
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.finished_bidding import finish_bidding, new_bidders
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
    temperature_of,
    write_policy,
)
from blobmaster.selfplay.successors import (
    ROUND_OVER,
    Successors,
    list_successors,
    max_children,
    new_successors,
)
from blobmaster.selfplay.win_values import (
    list_outcomes,
    max_outcomes,
    new_outcomes,
    write_win_values,
)


class LookaheadBlock(NamedTuple):
    """A block in play, one decision with its successors per lane."""

    block: Block
    successors: Successors
    requests: EvaluationRequests
    """Priors of the decisions and values of their successors."""
    policy_step: float
    explore: float
    """Share of actions that are drawn uniformly."""


def play_block(
    evaluator: Evaluator,
    deals: Deals,
    settings: SelfPlaySettings,
    *,
    should_stop: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end; a pure function of its arguments.

    Args:
        evaluator: called once per step; needs room for `max_children(deals, lanes)` rows.
        deals: the rounds to play and their random streams.
        settings: lanes, exploration and the step of improvement.
        should_stop: checked between steps; the block stops when it returns True.
        on_rounds: called with the number of rounds that were finished since its last call.

    Returns:
        The rounds in the order of `deals`, or None if the block was stopped.
    """
    # More lanes than games would stay idle and only make the evaluator larger.
    lanes = min(settings.lanes, deals.games)
    block = new_block(deals, lanes, settings)
    successors, requests = new_successors(max_children(deals, lanes), lanes)
    state = LookaheadBlock(block, successors, requests, settings.policy_step, settings.explore)
    _begin(state)
    progress = ProgressCounter(block, on_rounds)
    if deals.lengths is None:
        done = play_to_end(evaluator, state, should_stop=should_stop, on_step=progress.report)
    else:
        done = _play_games(evaluator, deals, state, should_stop, progress)
    return records_of(block) if done else None


def _play_games(
    evaluator: Evaluator,
    deals: Deals,
    state: LookaheadBlock,
    should_stop: Callable[[], bool],
    progress: ProgressCounter,
) -> bool:
    """Play a block of games; return False if it was stopped.

    Values are shares of the win here: two more networks' outputs, and kernels between them, so the
    loop runs in Python.
    """
    lanes = len(state.block.round_of)
    outcomes = new_outcomes(lanes * max_outcomes(deals.plan[:, :2]), lanes)
    requests = state.requests
    bidders = new_bidders(len(requests.critic))
    # The critic's chances give the possible scores, and `standings` tells what these are worth: its
    # rows exist only once the critic has answered.
    while not should_stop():
        progress.report()
        decisions, children = requests.rows.tolist()
        if decisions == 0:
            return True
        finish_bidding(evaluator, state.block, state.successors, requests, bidders)
        priors = evaluator.priors(requests.actor[:decisions])
        chances = evaluator.chances(requests.critic[:children])
        count = list_outcomes(state.block, state.successors, outcomes, *chances)
        shares = evaluator.standings(outcomes.states[:count])
        write_win_values(state.block, state.successors, outcomes, shares)
        _decide_in_games(state, priors)
    return False


@lean_kernel
def _begin(state: LookaheadBlock) -> None:
    """Deal to every lane, and request the evaluations of its first decision."""
    for lane in range(len(state.block.round_of)):
        refill(state.block, lane)
    list_successors(state.block, state.successors, state.requests)


@advances(LookaheadBlock)
@inner_kernel
def _advance(state: LookaheadBlock, priors: Priors, values: Values) -> None:
    """Decide in every lane by these evaluations."""
    _write_point_values(state.block, state.successors, values)
    _decide_all(state, priors)


@inner_kernel
def _write_point_values(block: Block, successors: Successors, values: Values) -> None:
    """Write the value of every successor whose round is not over."""
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        for edge in range(legal_count(state)):
            row = successors.row[lane, edge]
            if row != ROUND_OVER:
                # Values are by absolute seat: the deciding seat reads its own,
                # whoever acts in the successor.
                successors.value[lane, edge] = values[row, state[SEAT]]


@lean_kernel
def _decide_in_games(state: LookaheadBlock, priors: Priors) -> None:
    # For the loop of games, which runs in Python: it cannot call an inner kernel.
    _decide_all(state, priors)


@inner_kernel
def _decide_all(state: LookaheadBlock, priors: Priors) -> None:
    """Record every lane's improved policy, act by its priors, and request what comes next."""
    block = state.block
    legal, shares = block.legal, block.shares
    row = 0  # of the lane's priors: idle lanes have none
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        count = legal_actions(block.state[lane], legal)
        # The improved policy is recorded only: it has seen the other hands through the critic.
        # Acting by it would make play depend on hidden cards, so the seat acts by its priors.
        _improve(priors[row], state.successors.value[lane], count, state.policy_step, shares)
        noisy = is_network_opponent(block.state[lane])
        if noisy:  # nothing to learn, and its successors have no values
            for edge in range(count):
                shares[edge] = 0.0
        write_policy(block, lane, shares, count)
        number = block.round_of[lane]
        for edge in range(count):
            # A small uniform part, 2 % by default, keeps every action in the data: one whose prior
            # is near 0 would never be played, and no network would learn what follows it.
            shares[edge] = (1.0 - state.explore) * priors[row, edge] + state.explore / count
        # At temperature 0 the uniform part changes nothing, as it is the same for all actions.
        temperature = temperature_of(block, number, block.state[lane])
        edge = draw_edge(shares, count, temperature, block.streams[number])
        decide(block, lane, legal[edge])
        row += 1
    list_successors(block, state.successors, state.requests)


@inner_kernel
def _improve(
    prior: npt.NDArray[np.float32],
    value: npt.NDArray[np.float64],
    count: int,
    policy_step: float,
    shares: npt.NDArray[np.float64],
) -> None:
    """Write `prior × exp(policy_step × value)`, normalised, into `shares`."""
    # In float64: values in games reach 1 / MIN_STAKE = 20, and at the default step of 8 their
    # weights fall to exp(-160), which is 0 in float32.
    best = largest(value, count)  # subtracted, so that the exponential cannot overflow
    total = 0.0
    for edge in range(count):
        shares[edge] = prior[edge] * np.exp(policy_step * (value[edge] - best))
        total += shares[edge]
    for edge in range(count):
        shares[edge] /= total
