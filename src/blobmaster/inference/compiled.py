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
from blobmaster.kernels.compile import kernel
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
    in_games: bool
    """True if the network sees where a game stands."""


@kernel
def plan_of(part: PartPasses, count: int) -> int:
    """Return the plan of the smallest size that holds `count` rows, or `UNPLANNED`."""
    return int(part.plans[(count + part.step - 1) // part.step])  # rounded up


@kernel
def are_planned(passes: Passes, acts: int, judges: int) -> bool:
    """Return True if `evaluate` can evaluate so many rows of the actor and the critic."""
    act, judge = plan_of(passes.actor, acts), plan_of(passes.critic, judges)
    return act != UNPLANNED and judge != UNPLANNED


@kernel
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
    if passes.in_games:
        encode_game_views(acting, actor.rows, actor.slots)
    else:
        encode_rows(acting, actor.rows, actor.slots)
    # Launched before the critic's rows are encoded: a GPU evaluates the actor meanwhile.
    code = launch(passes.handles, act)
    if passes.in_games:
        encode_game_wholes(judged, critic.rows, critic.slots)
    else:
        encode_whole_rows(judged, critic.rows, critic.slots)
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
