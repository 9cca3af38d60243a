"""`[run]`: the length, seed and workers of a run."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from blobmaster.config.flag import Flag


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The length, seed, phase and workers of a run."""

    iterations: Annotated[int, Meta(ge=1, le=1_000_000), Flag("--iterations")] = 500
    """Train up to this many iterations in total. A resumed run can be extended by a larger
    number."""

    until_flat: Annotated[bool, Flag("--until-flat")] = False
    """End the run once its ratings show that it gains nothing any more. See `flat_since` in
    docs/run-directory.md."""

    seed: Annotated[int, Meta(ge=0, lt=2**32), Flag("--seed")] = 0
    """Random seed. All random streams of the run are derived from it."""

    training_on: Annotated[Literal["rounds", "games"], Flag("--training-on")] = "rounds"
    """Train on single rounds (phase 1) or on full games (phase 2). Rounds are played for points,
    games for the win."""

    save_every: Annotated[int, Meta(ge=1, le=1_000_000), Flag("--save-every")] = 1
    """Commit a checkpoint every this many iterations. Every fifth iteration and the last are
    committed in any case."""

    workers: Annotated[int, Meta(ge=0, le=1024), Flag("--workers")] = 0
    """Worker threads of self-play; 0 starts one per core, within a container's CPU quota.
    Results do not depend on it."""

    blocks_per_worker: Annotated[int, Meta(ge=1, le=16)] = 1
    """Blocks that each worker keeps in play at once. While a GPU evaluates one block, the core
    walks the trees of another. On 16 cores, 2 was 5 % faster and took twice the GPU memory, since
    other workers fill most of the waiting time. Results do not depend on it."""
