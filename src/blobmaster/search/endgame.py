"""How rounds end without the network: settled before the last card, or solved in an open world."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    is_bidding,
    is_over,
    legal_actions,
    play_forced,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.compile import kernel

MOST_SOLVED = 2
"""Tricks that are solved at most: with two cards a seat, each seat has at most one real choice."""

_ALIKE = 1e-9
"""Means of points that are nearer than this are equal: they differ by the order of adding."""


class Ending(NamedTuple):
    """Scratch of `solve`: the choices from the root of an ending to where it is being looked at.

    K choices at most, one a seat.
    """

    state: State
    """`[K + 1, STATE]`."""
    action: npt.NDArray[np.int64]
    """`[K, MAX_LEGAL]`: the legal actions of a choice."""
    edges: npt.NDArray[np.int64]
    """`[K]`: how many there are."""
    tried: npt.NDArray[np.int64]
    """`[K]`: how many of them have been looked at."""
    alike: npt.NDArray[np.int64]
    """`[K]`: how many of those are best for the seat that chooses."""
    points: npt.NDArray[np.float64]
    """`[K + 1, MAX_PLAYERS]`: each seat's points, summed over the actions that are best."""


def new_ending() -> Ending:
    """Scratch for `solve`; one a thread."""
    return Ending(
        state=np.zeros((MAX_PLAYERS + 1, STATE), np.int64),
        action=np.zeros((MAX_PLAYERS, MAX_LEGAL), np.int64),
        edges=np.zeros(MAX_PLAYERS, np.int64),
        tried=np.zeros(MAX_PLAYERS, np.int64),
        alike=np.zeros(MAX_PLAYERS, np.int64),
        points=np.zeros((MAX_PLAYERS + 1, MAX_PLAYERS)),
    )


@kernel
def tricks_left(state: State) -> int:
    """The tricks that have not been taken, the one on the table included."""
    left = state[ROUND]
    for seat in range(state[PLAYERS]):
        left -= state[TRICKS + seat]
    return left


@kernel
def is_settled(state: State) -> bool:
    """Whether no seat's points can change any more; the tricks taken then tell them.

    With tricks left it is so when every seat has taken more than it bid, or has too few left.
    """
    if is_over(state):
        return True
    if is_bidding(state):
        return False
    left = tricks_left(state)
    for seat in range(state[PLAYERS]):
        missing = state[BIDS + seat] - state[TRICKS + seat]
        if 0 <= missing <= left:
            return False
    return True


@kernel
def solve(state: State, ending: Ending, made: npt.NDArray[np.float64]) -> None:
    """Each seat's points when all hands are open and each seat maximises its own (max^n).

    A seat to whom several actions are worth the same takes each of them as often: that is what
    backing up visits comes to where priors are alike.

    Args:
        state: `[STATE]`, bids made, with at most `MOST_SOLVED` tricks left.
        ending: scratch.
        made: `[MAX_PLAYERS]`, overwritten.
    """
    ending.state[0] = state
    depth = _descend(ending, 0)
    while depth > 0:
        above = depth - 1
        _weigh(ending, above)
        if ending.tried[above] < ending.edges[above]:
            ending.state[depth] = ending.state[above]
            apply(ending.state[depth], ending.action[above, ending.tried[above]])
            depth = _descend(ending, depth)
        else:
            for seat in range(state[PLAYERS]):
                ending.points[above, seat] /= ending.alike[above]
            depth = above
    made[:] = ending.points[0]


@kernel
def _descend(ending: Ending, depth: int) -> int:
    """Take first actions from `depth` on to the round's end; return the depth of the end, whose
    points are written."""
    play_forced(ending.state[depth])
    while not is_over(ending.state[depth]):
        ending.edges[depth] = legal_actions(ending.state[depth], ending.action[depth])
        ending.tried[depth] = 0
        ending.alike[depth] = 0
        ending.state[depth + 1] = ending.state[depth]
        apply(ending.state[depth + 1], ending.action[depth, 0])
        depth += 1
        play_forced(ending.state[depth])
    ending.points[depth] = 0.0
    for seat in range(ending.state[depth, PLAYERS]):
        ending.points[depth, seat] = points(ending.state[depth], seat)
    return depth


@kernel
def _weigh(ending: Ending, choice: int) -> None:
    """Hold what the action looked at last came to against the best before it."""
    found, best = ending.points[choice + 1], ending.points[choice]
    alike = ending.alike[choice]
    seat = ending.state[choice, SEAT]
    ahead = found[seat] - best[seat] / max(alike, 1)
    if alike == 0 or ahead > _ALIKE:
        best[:] = found
        ending.alike[choice] = 1
    elif ahead >= -_ALIKE:
        best += found
        ending.alike[choice] = alike + 1
    ending.tried[choice] += 1
