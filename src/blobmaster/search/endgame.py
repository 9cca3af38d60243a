"""Ends of rounds without a network: settled points, and solved last tricks in an open world."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    MAX_LEGAL,
    PLAYERS,
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
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inner_kernel, kernel

MAX_SOLVED_TRICKS = 2
"""Most tricks left to solve: with two cards per seat, each seat has at most one real choice."""

_TOLERANCE = 1e-9
"""Means of points that differ by less are equal: they differ only by the order of summation."""


class SolverStack(NamedTuple):
    """Scratch of `solve`: the stack of its depth-first search, K choices deep, one per seat.

    An explicit stack instead of recursion, so that solving allocates nothing.
    """

    state: State
    """`[K + 1, STATE]`: the state at each choice, and at the round's end."""
    action: npt.NDArray[np.int64]
    """`[K, MAX_LEGAL]`: the legal actions of a choice."""
    edges: npt.NDArray[np.int64]
    """`[K]`: number of legal actions."""
    tried: npt.NDArray[np.int64]
    """`[K]`: number of actions examined so far."""
    ties: npt.NDArray[np.int64]
    """`[K]`: number of those that are equally best for the seat that chooses."""
    points: npt.NDArray[np.float64]
    """`[K + 1, MAX_PLAYERS]`: each seat's points, summed over the best actions."""


def new_solver_stack() -> SolverStack:
    """Allocate for `solve`; one per thread."""
    return SolverStack(
        state=np.zeros((MAX_PLAYERS + 1, STATE), np.int64),
        action=np.zeros((MAX_PLAYERS, MAX_LEGAL), np.int64),
        edges=np.zeros(MAX_PLAYERS, np.int64),
        tried=np.zeros(MAX_PLAYERS, np.int64),
        ties=np.zeros(MAX_PLAYERS, np.int64),
        points=np.zeros((MAX_PLAYERS + 1, MAX_PLAYERS)),
    )


@kernel
def tricks_left(state: State) -> int:
    """Return the number of tricks still to be taken, with the one on the table."""
    # `TRICKS` counts finished tricks only, so the one on the table is among those left.
    left = state[DEALT]
    for seat in range(state[PLAYERS]):
        left -= state[TRICKS + seat]
    return left


@kernel
def is_settled(state: State) -> bool:
    """Return True if no seat's points can change any more.

    Before the round is over this holds when every seat has taken more tricks than it bid, or needs
    more than are left.
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
def solve(state: State, stack: SolverStack, made: npt.NDArray[np.float64]) -> None:
    """Solve the last tricks with open hands, where each seat maximises its own points (max^n).

    A seat with several equally good actions takes each of them equally often. A tree search comes
    to the same result if the priors are equal. See Luckhardt and Irani (1986).

    Args:
        state: `[STATE]`, after the bids, with at most `MAX_SOLVED_TRICKS` tricks left.
        stack: scratch.
        made: `[MAX_PLAYERS]`, overwritten with each seat's expected points.
    """
    copy_row(state, stack.state[0])
    depth = _descend(stack, 0)
    # Depth 0 is the root. If it is known at once, because all moves were forced, there is no loop.
    while depth > 0:
        # The result at `depth` is known: compare it at the choice above, then try that choice's
        # next action, or take its mean over ties as its own result.
        above = depth - 1
        _compare(stack, above)
        if stack.tried[above] < stack.edges[above]:
            # The row at `depth` is free: the branch that it held has just been compared.
            copy_row(stack.state[above], stack.state[depth])
            apply(stack.state[depth], stack.action[above, stack.tried[above]])
            depth = _descend(stack, depth)
        else:
            for seat in range(state[PLAYERS]):
                stack.points[above, seat] /= stack.ties[above]
            depth = above
    copy_row(stack.points[0], made)


@inner_kernel
def _descend(stack: SolverStack, depth: int) -> int:
    """Take the first action of each choice from `depth` to the round's end; write its points.

    Returns:
        The depth of the end.
    """
    # Forced moves take no place on the stack. So with two tricks left its depth is one
    # choice per seat at most.
    play_forced(stack.state[depth])
    while not is_over(stack.state[depth]):
        stack.edges[depth] = legal_actions(stack.state[depth], stack.action[depth])
        stack.tried[depth] = 0
        stack.ties[depth] = 0
        copy_row(stack.state[depth], stack.state[depth + 1])
        apply(stack.state[depth + 1], stack.action[depth, 0])
        depth += 1
        play_forced(stack.state[depth])
    stack.points[depth] = 0.0
    for seat in range(stack.state[depth, PLAYERS]):
        stack.points[depth, seat] = points(stack.state[depth], seat)
    return depth


@inner_kernel
def _compare(stack: SolverStack, choice: int) -> None:
    """Compare the result of the action examined last with the best before it."""
    found, best = stack.points[choice + 1], stack.points[choice]
    ties = stack.ties[choice]
    seat = stack.state[choice, SEAT]
    # `best` is a sum over ties, and all of them have the same points for this seat.
    ahead = found[seat] - best[seat] / max(ties, 1)
    # At the first action `best` still holds another branch, and `ahead` means nothing.
    if ties == 0 or ahead > _TOLERANCE:
        copy_row(found, best)
        stack.ties[choice] = 1
    elif ahead >= -_TOLERANCE:
        for other in range(len(best)):
            best[other] += found[other]
        stack.ties[choice] = ties + 1
    stack.tried[choice] += 1
