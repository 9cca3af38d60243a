"""Scoring of a round: an exact bid pays 10 points and the bid itself, any other bid nothing.

Change `exact_points` to change the rule: all other arithmetic on points starts from it. Two things
are assumed elsewhere: a missed bid pays 0, and a higher exact bid pays more.
"""

from __future__ import annotations

from blobmaster.game.rules import BIDS, TRICKS, State
from blobmaster.kernels.compile import inner_kernel, kernel

EXACT_BONUS = 10
"""Points for an exact bid, before the bid itself is added."""


@inner_kernel
def exact_points(bid: int) -> int:
    """Points for a bid that is made exactly."""
    return EXACT_BONUS + bid


@kernel
def most_points(cards: int) -> int:
    """The most points that a seat can make in a round of so many cards.

    It is the unit of values: a value of 1 is an exact bid of all tricks.
    """
    return exact_points(cards)


@kernel
def score(bid: int, tricks: int) -> int:
    """Points for a bid and the tricks taken."""
    if bid == tricks:
        return exact_points(bid)
    return 0


@kernel
def points(state: State, seat: int) -> int:
    """Points of `seat` in a round that is over; `state` is `[STATE]`."""
    return score(state[BIDS + seat], state[TRICKS + seat])
