"""Values of actions in a game: the acting seat's expected share of the win.

The critic gives the probability that each seat makes its bid exactly. Every pattern of exact and
failed bids gives the scores after the round, and a network maps scores to shares of the win. The
value is the mean over the patterns, with the seats taken as independent. In a game's last round
the shares are exact, because the scores tell who wins.

The value is divided by the stake: the most that the round can change the share. Without this, the
policy target would hardly move in a game's first round and jump in a close last one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import (
    DEALT,
    MAX_LEGAL,
    PLAYERS,
    SCORES,
    SEAT,
    STATE,
    State,
    is_bidding,
    legal_count,
)
from blobmaster.game.scoring import exact_points
from blobmaster.game.standing import pass_deal
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.search.tree import Values
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import IDLE, Block
from blobmaster.selfplay.successors import ROUND_OVER, Successors

MIN_STAKE = 0.05
"""Lower bound of a round's stake, in shares of the win. Where less is at stake, the errors of the
network are larger than the differences, and dividing would amplify them."""


class Outcomes(NamedTuple):
    """Possible standings of the games after the current rounds; S lanes, E outcomes."""

    states: State
    """`[E, STATE]`: states with the scores after the round and the deal passed on."""
    first: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: first outcome of a successor. One per pattern of exact bids follows: in
    pattern p, seat s is exact if bit s of p is set."""
    bound: npt.NDArray[np.int64]
    """`[S]`: the outcome of the best round for the acting seat; the worst round's comes next."""


def new_outcomes(deals: Deals, lanes: int) -> Outcomes:
    """Allocate for the outcomes of `lanes` decisions: patterns of each action and two bounds."""
    players, cards = deals.plan[:, 0], deals.plan[:, 1]
    # Eight players have 256 patterns but at most six cards, so even then it
    # is some 1,800 rows a lane.
    most = lanes * int(((cards + 1) * 2**players + 2).max())
    return Outcomes(
        states=np.zeros((most, STATE), np.int64),
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
                count = _list_patterns(state, successors.bids[lane, edge], outcomes.states, count)
            else:  # all bids are known, so all successors share their possible outcomes
                outcomes.first[lane, edge] = outcomes.first[lane, 0]
        outcomes.bound[lane] = count
        count = _list_bounds(state, outcomes.states, count)
    return count


@inner_kernel
def _list_patterns(state: State, bids: npt.NDArray[np.int64], outcomes: State, count: int) -> int:
    """Write one outcome per pattern of exact bids from row `count` on; return the next row."""
    # All patterns, in the order of their number: a pattern is found by adding it to the first row.
    for pattern in range(1 << state[PLAYERS]):
        outcome = outcomes[count]
        copy_row(state, outcome)
        for seat in range(state[PLAYERS]):
            if (pattern >> seat) & 1:
                outcome[SCORES + seat] += exact_points(bids[seat])
        # The network learned standings as they are before a deal: one round
        # fewer, and the deal passed on.
        pass_deal(outcome)
        count += 1
    return count


@inner_kernel
def _list_bounds(state: State, outcomes: State, count: int) -> int:
    """Write the acting seat's best and worst outcome from row `count` on; return the next row.

    At best it alone is exact, at worst all others are. Bids are taken to be one more than an even
    share of the tricks.
    """
    # Fixed for all actions of a decision, and close to what seats usually make. The real bids would
    # change the unit of values from one action to the next.
    usual = exact_points(1 + state[DEALT] // state[PLAYERS])
    best, worst = outcomes[count], outcomes[count + 1]
    copy_row(state, best)
    copy_row(state, worst)
    for seat in range(state[PLAYERS]):
        if seat == state[SEAT]:
            best[SCORES + seat] += usual
        else:
            worst[SCORES + seat] += usual
    pass_deal(best)
    pass_deal(worst)
    return count + 2


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
                    _probability(exact, pattern, state[PLAYERS]) * shares[first + pattern, seat]
                )
            successors.value[lane, edge] = share / stake


@inner_kernel
def _probability(exact: npt.NDArray[np.float64], pattern: int, players: int) -> float:
    """Return the probability that exactly the seats of the pattern make their bids."""
    # Seats are taken as independent. They are not quite, as they compete for the same tricks, but
    # the critic gives each seat's tricks alone.
    chance = 1.0
    for seat in range(players):
        chance *= exact[seat] if (pattern >> seat) & 1 else 1.0 - exact[seat]
    return chance
