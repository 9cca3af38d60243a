"""Which checkpoints stay: a pure rule over names, never over times of files."""

from collections.abc import Iterable

from blobmaster.run.files.layout import START, CheckpointName

PERMANENT_EVERY = 5
"""Every 5th iteration, counted from 1, is kept for good."""
CACHED = 4
"""So many of the others stay: the newest may turn out damaged, and is never the only one."""


def is_permanent(iteration: int) -> bool:
    """Whether an iteration (0-based) is one of those that are kept for good."""
    return iteration != START and (iteration + 1) % PERMANENT_EVERY == 0


def surplus(cached: Iterable[CheckpointName], *, written: CheckpointName) -> list[CheckpointName]:
    """Which of the cached checkpoints go, once `written` is whole on disk.

    Another run's stay, and so does what is newer than `written`: this session did not make it.
    The state that the run started from goes as soon as there is a later one.
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
        if place >= CACHED or START == name.iteration < written.iteration
    ]
