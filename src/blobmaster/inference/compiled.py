"""Forward passes of an evaluator, called from compiled code: whole blocks play without Python.

Sixteen workers that came back to Python at every step waited for its interpreter most of the time.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.game.rules import State
from blobmaster.inference.cuda_graphs import Forward, launch, wait
from blobmaster.kernels.compile import kernel
from blobmaster.model.features import encode_rows, encode_whole_rows
from blobmaster.model.game_features import encode_game_views, encode_game_wholes
from blobmaster.model.heads import decode_prior_rows, decode_value_rows
from blobmaster.search.mcts import Evaluator

UNRECORDED = -1
"""The graph of a size that was not yet asked for; no address."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Records(Protocol):
    """What records passes, as `blobmaster.inference.cuda_graphs.Recorder` does."""

    handles: Ints
    """`[5]`: what `launch` and `wait` are handed."""
    sizes_at_most: int
    """Of how many sizes of batches there should be passes at most."""
    steps_at_once: int
    """See `Passes`."""

    def attach(self) -> None:
        """Make the calling thread one that may replay."""
        ...

    def graph(self, part: Forward, rows: torch.Tensor, outputs: torch.Tensor) -> int:
        """Record the pass of `part` from `rows` to `outputs`; what `launch` is handed."""
        ...


class PartPasses(NamedTuple):
    """What one part of a network is asked, in batches of K sizes, `step` rows apart."""

    step: int
    graphs: Ints
    """`[K + 1]`: of that many times `step` rows, `UNRECORDED`, or first of all `NOTHING`."""
    rows: Floats
    """`[capacity, inputs]`, for a GPU pinned."""
    slots: Ints
    """`[capacity, SUITS]`: which suit stands where in each row."""
    outputs: Floats
    """`[capacity, outputs]`, for a GPU pinned: where the answers of every size come to."""
    asked: Ints
    """`[2]`: how many rows were asked so far, in how many batches."""


class Passes(NamedTuple):
    """What compiled code asks with `answer`, and where it finds the answers."""

    handles: Ints
    steps: int
    """Of a block, in compiled code between two looks at what a person wants."""
    actor: PartPasses
    critic: PartPasses
    priors: Floats
    """`[capacity, MAX_LEGAL]`."""
    values: Floats
    """`[capacity, MAX_PLAYERS]`."""
    in_games: bool


class BlockEvaluator(Evaluator, Protocol):
    """What a search asks, in a block of self-play or for a player."""

    def passes(self, acts: int, judges: int) -> Passes | None:
        """What compiled code asks for so many priors and values, or None if there is no such."""
        ...


@kernel
def graph_of(part: PartPasses, count: int) -> int:
    """The pass of so many rows and those that pad them, or `UNRECORDED`."""
    return int(part.graphs[(count + part.step - 1) // part.step])


@kernel
def are_recorded(passes: Passes, acts: int, judges: int) -> bool:
    """Whether `answer` can answer so many rows of the actor and the critic."""
    act, judge = graph_of(passes.actor, acts), graph_of(passes.critic, judges)
    return act != UNRECORDED and judge != UNRECORDED


@kernel
def answer(passes: Passes, acting: State, judged: State) -> int:
    """Write the priors of `acting` and the values of `judged`; the driver's code.

    The GPU acts while the rows to be judged are encoded. Both are `[rows, STATE]`, and recorded.
    """
    actor, critic = passes.actor, passes.critic
    act, judge = graph_of(actor, len(acting)), graph_of(critic, len(judged))
    if passes.in_games:
        encode_game_views(acting, actor.rows, actor.slots)
    else:
        encode_rows(acting, actor.rows, actor.slots)
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
            part.asked[0] += rows
            part.asked[1] += rows > 0
    return code
