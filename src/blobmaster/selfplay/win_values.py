"""What an action is worth in a game: the acting seat's share of the win that it may expect.

The critic tells how likely each seat's bid is to be exact. Every pattern of exact and failed bids
makes the scores after the round, and the network tells the share of the win from those. The value
is the mean over the patterns, the seats taken as independent of each other: exactly who wins where
the round is the game's last.

It is divided by what the round can change of the share: else a policy would hardly move in a
game's first round, and leap in a close last one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import (
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    SCORES,
    SEAT,
    STATE,
    State,
    is_bidding,
    legal_count,
)
from blobmaster.game.scoring import exact_points
from blobmaster.game.standing import pass_deal
from blobmaster.kernels.compile import kernel
from blobmaster.search.tree import Values
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import IDLE, Block
from blobmaster.selfplay.successors import ROUND_OVER, Successors

LEAST_STAKE = 0.05
"""What a round is taken to change of a share of the win at least: where less is at stake, the
network's errors are larger than what it could tell apart."""


class Outcomes(NamedTuple):
    """Where games may stand after the rounds on the table."""

    states: State
    """`[E, STATE]`: the state with the scores after the round, the deal passed on."""
    first: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: where the ends of a child begin, one a pattern of exact bids: pattern p
    has seat s exact where bit s of p is set."""
    bound: npt.NDArray[np.int64]
    """`[S]`: the end of the best round for the acting seat; the next is that of the worst."""


def new_outcomes(deals: Deals, lanes: int) -> Outcomes:
    """Room for the ends of the decisions of so many lanes."""
    players, cards = deals.plan[:, 0], deals.plan[:, 1]
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
    """Write the ends of all waiting decisions; return how many there are.

    Args:
        block, choices: as `gather` left them; what the children come to is completed.
        ends: where to.
        bids, exact: `[children, MAX_PLAYERS]`, of the children that needed an evaluation.
    """
    count = 0
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        for edge in range(legal_count(state)):
            row = successors.row[lane, edge]
            if row != ROUND_OVER:
                successors.bids[lane, edge] = bids[row]
                successors.exact[lane, edge] = exact[row]
            if edge == 0 or is_bidding(state):
                outcomes.first[lane, edge] = count
                count = _list_patterns(state, successors.bids[lane, edge], outcomes.states, count)
            else:  # all bids are known, so all children may come to the same
                outcomes.first[lane, edge] = outcomes.first[lane, 0]
        outcomes.bound[lane] = count
        count = _list_bounds(state, outcomes.states, count)
    return count


@kernel
def _list_patterns(state: State, bids: npt.NDArray[np.int64], outcomes: State, count: int) -> int:
    for pattern in range(1 << state[PLAYERS]):
        outcome = outcomes[count]
        outcome[:] = state
        for seat in range(state[PLAYERS]):
            if (pattern >> seat) & 1:
                outcome[SCORES + seat] += exact_points(bids[seat])
        pass_deal(outcome)
        count += 1
    return count


@kernel
def _list_bounds(state: State, outcomes: State, count: int) -> int:
    """The best round for the acting seat: it alone is exact; the worst: all others are. A bid is
    taken to be a little more than its seat's part of the tricks."""
    usual = exact_points(1 + state[ROUND] // state[PLAYERS])
    best, worst = outcomes[count], outcomes[count + 1]
    best[:] = state
    worst[:] = state
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
    """Write the value of every child; `told` (`[ends, MAX_PLAYERS]`) is each end's shares."""
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        seat = state[SEAT]
        bound = outcomes.bound[lane]
        stake = max(shares[bound, seat] - shares[bound + 1, seat], LEAST_STAKE)
        for edge in range(legal_count(state)):
            first, exact = outcomes.first[lane, edge], successors.exact[lane, edge]
            share = 0.0
            for pattern in range(1 << state[PLAYERS]):
                share += (
                    _probability(exact, pattern, state[PLAYERS]) * shares[first + pattern, seat]
                )
            successors.value[lane, edge] = share / stake


@kernel
def _probability(exact: npt.NDArray[np.float64], pattern: int, players: int) -> float:
    """How likely it is that just the seats of the pattern are exact."""
    chance = 1.0
    for seat in range(players):
        chance *= exact[seat] if (pattern >> seat) & 1 else 1.0 - exact[seat]
    return chance
