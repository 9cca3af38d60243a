"""The standing of a game: adds up scores, deals the next round, finds the winners."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import DEALER, LONGEST, PLAYERS, ROUNDS_LEFT, SCORES, State, deal_into
from blobmaster.game.scoring import points
from blobmaster.kernels.arrays import copy_row, largest
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import popcount


@inner_kernel
def score_round(state: State) -> None:
    """Add the points of a round that is over to the scores."""
    for seat in range(state[PLAYERS]):
        state[SCORES + seat] += points(state, seat)


@kernel
def deal_next(
    state: State, plan: npt.NDArray[np.int64], deck: npt.NDArray[np.int64], most: int, left: int
) -> None:
    """Deal the next round of a game over the last one, which `score_round` has scored.

    Args:
        state: keeps its scores; everything else is reset.
        plan: `[4]`: players, cards, trump, dealer.
        deck: see `deal_into`.
        most, left: the new `LONGEST` and `ROUNDS_LEFT`.
    """
    # deal_into resets the whole row.
    scores = state[SCORES : SCORES + MAX_PLAYERS].copy()
    deal_into(state, plan[0], plan[1], plan[2], plan[3], deck)
    state[LONGEST] = most
    state[ROUNDS_LEFT] = left
    copy_row(scores, state[SCORES : SCORES + MAX_PLAYERS])


@inner_kernel
def pass_deal(state: State) -> None:
    """Turn the state of a scored round into the standing before the next one is dealt.

    After the last round `ROUNDS_LEFT` becomes -1.
    """
    state[ROUNDS_LEFT] -= 1
    state[DEALER] = (state[DEALER] + 1) % state[PLAYERS]


@kernel
def winners(state: State) -> int:
    """Return the mask of seats with the highest score."""
    best = largest(state[SCORES:], state[PLAYERS])
    mask = 0
    for seat in range(state[PLAYERS]):
        if state[SCORES + seat] == best:
            mask |= 1 << seat
    return mask


@kernel
def win_share(winners: int, seat: int) -> float:
    """Return the share of `seat` in a win that the seats of a mask divide equally."""
    return ((winners >> seat) & 1) / popcount(winners)
