"""`[run]`: the length, seed and workers of a run."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run is, beside how it plays and learns."""

    iterations: Annotated[int, Meta(ge=1)] = 500
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    """All random streams of the run are derived from it."""

    training_on: Literal["rounds", "games"] = "rounds"
    """Phase 1, rounds that stand alone, played for points; or phase 2, games played for the win."""

    save_every: Annotated[int, Meta(ge=1)] = 1
    """Commit every so many iterations; every 5th and the last are committed in any case."""

    workers: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Threads that play; 0 is one a core. No result depends on it."""

    blocks_per_worker: Annotated[int, Meta(ge=1, le=16)] = 1
    """Blocks that each worker has in play: while a GPU answers one, the core walks the trees of
    another. On 16 cores the other workers fill most of that time: 2 was 5 % faster, in twice the
    memory of the card. No result depends on it."""
