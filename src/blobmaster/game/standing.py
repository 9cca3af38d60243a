"""Where a game stands: what a finished round adds, how the next one is dealt, and who wins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import DEALER, LONGEST, PLAYERS, ROUNDS_LEFT, SCORES, State, deal_into
from blobmaster.game.scoring import points
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import popcount


@kernel
def score_round(state: State) -> None:
    """Add the points of a round that is over to the scores."""
    for seat in range(state[PLAYERS]):
        state[SCORES + seat] += points(state, seat)


@kernel
def deal_next(
    state: State, plan: npt.NDArray[np.int64], deck: npt.NDArray[np.int64], most: int, left: int
) -> None:
    """Deal a game's next round over its last one, whose points are in the scores by then.

    Args:
        state: the scores in it are kept, all else is dealt anew.
        plan: `[4]`: players, cards, trump, dealer.
        deck: see `deal_into`.
        most, left: as in the state.
    """
    scores = state[SCORES : SCORES + MAX_PLAYERS].copy()
    deal_into(state, plan[0], plan[1], plan[2], plan[3], deck)
    state[LONGEST] = most
    state[ROUNDS_LEFT] = left
    state[SCORES : SCORES + MAX_PLAYERS] = scores


@kernel
def pass_deal(state: State) -> None:
    """Turn a scored round that was not the last into where its game stands before the next one."""
    state[ROUNDS_LEFT] -= 1
    state[DEALER] = (state[DEALER] + 1) % state[PLAYERS]


@kernel
def winners(state: State) -> int:
    """The mask of seats that have the most points of the game."""
    best = state[SCORES : SCORES + state[PLAYERS]].max()
    mask = 0
    for seat in range(state[PLAYERS]):
        if state[SCORES + seat] == best:
            mask |= 1 << seat
    return mask


@kernel
def share_of(winners: int, seat: int) -> float:
    """What `seat` has of a win that the mask's seats share."""
    return ((winners >> seat) & 1) / popcount(winners)
