"""Values of a block's actions in games: shares of the win (see `blobmaster.search.win_shares`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import (
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    State,
    is_bidding,
    legal_count,
)
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import kernel
from blobmaster.search.tree import Values
from blobmaster.search.win_shares import (
    MIN_STAKE,
    list_bounds,
    list_patterns,
    pattern_probability,
)
from blobmaster.selfplay.lanes import IDLE, Block
from blobmaster.selfplay.successors import ROUND_OVER, Successors


class Outcomes(NamedTuple):
    """Possible standings of the games after the current rounds; S lanes, E outcomes."""

    states: State
    """`[E, STATE]`: states with the scores after the round and the deal passed on."""
    first: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: first outcome of a successor. One per pattern of exact bids follows: in
    pattern p, seat s is exact if bit s of p is set."""
    bound: npt.NDArray[np.int64]
    """`[S]`: the outcome of the best round for the acting seat; the worst round's comes next."""


def max_outcomes(sizes: npt.NDArray[np.int64]) -> int:
    """Return the most outcomes of a decision: patterns of each action and two bounds.

    Args:
        sizes: `[rounds, 2]`: the players and cards of each round that may be played.
    """
    # Eight players have 256 patterns but at most six cards, so even then it
    # is some 1,800 rows a lane.
    players, cards = sizes[:, 0], sizes[:, 1]
    return int(((cards + 1) * 2**players + 2).max())


def new_outcomes(outcomes: int, lanes: int) -> Outcomes:
    """Allocate for the decisions of `lanes` lanes with at most `outcomes` outcomes together."""
    return Outcomes(
        states=np.zeros((outcomes, STATE), np.int64),
        first=np.zeros((lanes, MAX_LEGAL), np.int64),
        bound=np.zeros(lanes, np.int64),
    )


@kernel
def list_outcomes(
    block: Block,
    successors: Successors,
    outcomes: Outcomes,
    bids: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float32],
) -> int:
    """Write the outcomes of all waiting decisions.

    Args:
        block: the block in play.
        successors: from `list_successors`; `bids` and `exact` are completed from the arguments.
        outcomes: written.
        bids: `[rows, MAX_PLAYERS]`, of the successors that needed an evaluation.
        exact: `[rows, MAX_PLAYERS]`, the probabilities that these bids are made exactly.

    Returns:
        The number of outcomes.
    """
    count = 0
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        for edge in range(legal_count(state)):
            row = successors.row[lane, edge]
            if row != ROUND_OVER:
                copy_row(bids[row], successors.bids[lane, edge])
                copy_row(exact[row], successors.exact[lane, edge])
            # While seats bid, the bids differ from one successor to the next, and
            # so do the possible scores.
            if edge == 0 or is_bidding(state):
                outcomes.first[lane, edge] = count
                count = list_patterns(state, successors.bids[lane, edge], outcomes.states, count)
            else:  # all bids are known, so all successors share their possible outcomes
                outcomes.first[lane, edge] = outcomes.first[lane, 0]
        outcomes.bound[lane] = count
        count = list_bounds(state, outcomes.states, count)
    return count


@kernel
def write_win_values(
    block: Block, successors: Successors, outcomes: Outcomes, shares: Values
) -> None:
    """Write the value of every successor.

    Args:
        block: the block in play.
        successors: `value` is written; `exact` must be complete (see `list_outcomes`).
        outcomes: from `list_outcomes`.
        shares: `[outcomes, MAX_PLAYERS]`: each seat's share of the win in each outcome.
    """
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        seat = state[SEAT]
        bound = outcomes.bound[lane]
        # One stake for all actions of a decision, so that dividing does not change their order.
        stake = max(shares[bound, seat] - shares[bound + 1, seat], MIN_STAKE)
        for edge in range(legal_count(state)):
            first, exact = outcomes.first[lane, edge], successors.exact[lane, edge]
            share = 0.0
            # Where a bid is exact or failed for certain, most patterns have probability 0.
            for pattern in range(1 << state[PLAYERS]):
                share += (
                    pattern_probability(exact, pattern, state[PLAYERS])
                    * shares[first + pattern, seat]
                )
            successors.value[lane, edge] = share / stake
