"""Forward passes of an evaluator, called from compiled code: whole blocks play without Python.

Sixteen workers that returned to Python at every step spent most of their time waiting for its
interpreter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import State
from blobmaster.inference.backend import launch, wait
from blobmaster.kernels.compile import inner_kernel, kernel, lean_kernel
from blobmaster.model.features import encode_rows, encode_whole_rows
from blobmaster.model.game_features import encode_game_views, encode_game_wholes
from blobmaster.model.heads import decode_prior_rows, decode_value_rows

UNPLANNED = -1
"""Stands for the plan of a batch size that was not needed yet. No plan's address."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class PartPasses(NamedTuple):
    """Buffers and plans of one part of a network, for batches of K sizes, `step` rows apart."""

    step: int
    plans: Ints
    """`[K + 1]`: the plan for so many times `step` rows; `UNPLANNED`, or `NOTHING` for no rows."""
    rows: Floats
    """`[capacity, inputs]`: the inputs of every size; pinned memory for a GPU."""
    slots: Ints
    """`[capacity, SUITS]`: the canonical slot of each suit, by row."""
    outputs: Floats
    """`[capacity, outputs]`: the outputs of every size; pinned memory for a GPU."""
    counts: Ints
    """`[2]`: rows and batches evaluated so far."""


class Passes(NamedTuple):
    """Everything that `evaluate` needs to evaluate states, and its results."""

    handles: Ints
    """See `Backend`."""
    steps: int
    """Steps of a block in compiled code before it returns to Python, to look for requests."""
    actor: PartPasses
    critic: PartPasses
    priors: Floats
    """`[capacity, MAX_LEGAL]`."""
    values: Floats
    """`[capacity, MAX_PLAYERS]`."""
    in_games: bool | None
    """True if the network sees where a game stands, else None: by its type, one encoding of two is
    compiled."""


@kernel
def plan_of(part: PartPasses, count: int) -> int:
    """Return the plan of the smallest size that holds `count` rows, or `UNPLANNED`."""
    return int(part.plans[(count + part.step - 1) // part.step])  # rounded up


@inner_kernel
def are_planned(passes: Passes, acts: int, judges: int) -> bool:
    """Return True if `evaluate` can evaluate so many rows of the actor and the critic."""
    act, judge = plan_of(passes.actor, acts), plan_of(passes.critic, judges)
    return act != UNPLANNED and judge != UNPLANNED


@inner_kernel
def evaluate(passes: Passes, acting: State, judged: State) -> int:
    """Write the priors of `acting` and the values of `judged` into `passes`.

    Args:
        passes: with plans for both sizes; see `are_planned`.
        acting, judged: `[rows, STATE]`.

    Returns:
        An error code, 0 for success; see `blobmaster.inference.backend.check`.
    """
    actor, critic = passes.actor, passes.critic
    act, judge = plan_of(actor, len(acting)), plan_of(critic, len(judged))
    _encode_acting(passes.in_games, acting, actor)
    # Launched before the critic's rows are encoded: a GPU evaluates the actor meanwhile.
    code = launch(passes.handles, act)
    _encode_judged(passes.in_games, judged, critic)
    if code == 0:
        code = launch(passes.handles, judge)
    if code == 0:
        code = wait(passes.handles)
    if code == 0:
        decode_prior_rows(acting, actor.slots, actor.outputs, passes.priors)
        decode_value_rows(judged, critic.outputs, passes.values)
        for part, rows in ((actor, len(acting)), (critic, len(judged))):
            part.counts[0] += rows
            part.counts[1] += rows > 0
    return code


@lean_kernel
def evaluate_once(passes: Passes, acting: State, judged: State) -> int:
    """Do as `evaluate`, which Python cannot call."""
    return evaluate(passes, acting, judged)


# numba drops the branch that the type of an argument rules out, before it compiles what is called.
@inner_kernel
def _encode_acting(in_games: bool | None, states: State, part: PartPasses) -> None:
    if in_games is None:
        encode_rows(states, part.rows, part.slots)
    else:
        encode_game_views(states, part.rows, part.slots)


@inner_kernel
def _encode_judged(in_games: bool | None, states: State, part: PartPasses) -> None:
    if in_games is None:
        encode_whole_rows(states, part.rows, part.slots)
    else:
        encode_game_wholes(states, part.rows, part.slots)
