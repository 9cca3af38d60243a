"""Retention of checkpoints: a pure rule over their names, independent of file times."""

from collections.abc import Iterable

from blobmaster.run.files.layout import START, CheckpointName

PERMANENT_EVERY = 5
"""Every 5th iteration, counted from 1, is kept permanently."""
CACHED_KEPT = 4
"""Number of other checkpoints kept. More than one, as the newest may turn out to be damaged."""


def is_permanent(iteration: int) -> bool:
    """Return True if an iteration's (0-based) checkpoint is kept permanently."""
    return iteration != START and (iteration + 1) % PERMANENT_EVERY == 0


def expired(cached: Iterable[CheckpointName], *, written: CheckpointName) -> list[CheckpointName]:
    """Return the cached checkpoints to delete once `written` is on disk.

    Kept are the newest `CACHED_KEPT` up to `written`, other runs' checkpoints, and any newer than
    `written`, which this session did not make. The initial state is deleted with the first commit.
    """
    older = [
        name
        for name in cached
        if name.prefix == written.prefix and name.iteration <= written.iteration
    ]
    newest_first = sorted(older, key=lambda name: name.iteration, reverse=True)
    return [
        name
        for place, name in enumerate(newest_first)
        if place >= CACHED_KEPT or START == name.iteration < written.iteration
    ]
