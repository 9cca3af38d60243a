"""Predicts when the files that a run will still write fill a disk."""

from dataclasses import dataclass
from pathlib import Path

from blobmaster.run.checkpoints.retention import CACHED_KEPT, PERMANENT_EVERY
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.run_progress import RunProgressSample
from blobmaster.run.status.schema import LastCheckpoint


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The files that a run will still write to one disk."""

    done: int
    """Iterations committed so far."""
    total: int
    """Iterations of the whole run."""
    seconds_left: float
    """Estimated training time until its end."""
    cached: int
    """Checkpoints in the cache; further ones take space until `CACHED_KEPT` are there."""
    permanent_bytes: int
    """Size of a permanent checkpoint; 0 if they go to another disk."""
    cached_bytes: int
    """Size of one in the cache; 0 if they go to another disk."""
    row_bytes: float
    """Mean size of an iteration's history row; 0 if the history is on another disk."""

    def bytes_after(self, iterations: int) -> float:
        """Return the space that so many more iterations take at most, the save of the last too."""
        permanent = (self.done + iterations) // PERMANENT_EVERY - self.done // PERMANENT_EVERY
        others = iterations - permanent
        # A full cache gets its next checkpoint before it loses its oldest one.
        kept = min(others, max(CACHED_KEPT - self.cached, 0) + 1)
        return (
            permanent * self.permanent_bytes
            + kept * self.cached_bytes
            + iterations * self.row_bytes
        )


def measure_growth(
    disk: int,
    layout: RunLayout,
    store: CheckpointStore,
    prefix: str,
    last: LastCheckpoint,
    progress: RunProgressSample,
) -> Growth | None:
    """Return the files that a run will still write to a disk; None before its pace is known.

    Args:
        disk: the device number of the disk.
        layout, store: its directory, and the checkpoints there.
        prefix: what the names of its own checkpoints begin with.
        last: its newest checkpoint; the next ones will be about as large.
        progress: how far it is.

    Raises:
        OSError: the run's folders cannot be read.
    """
    if progress.seconds_left is None:
        return None
    on_root = layout.root.stat().st_dev == disk
    history = layout.history.stat().st_size if layout.history.exists() else 0

    def is_here(folder: Path) -> bool:
        # A folder that is still to be made will be on the run directory's disk.
        return folder.stat().st_dev == disk if folder.exists() else on_root

    return Growth(
        done=last.iteration,
        total=progress.total_iterations,
        seconds_left=progress.seconds_left,
        cached=sum(
            not entry.permanent and entry.name.prefix == prefix for entry in store.entries()
        ),
        permanent_bytes=last.bytes if is_here(layout.permanent) else 0,
        cached_bytes=last.bytes if is_here(layout.cache) else 0,
        row_bytes=history / max(last.iteration, 1) if on_root else 0.0,
    )


def hours_left(growth: Growth, free_bytes: int) -> float | None:
    """Return the hours until the run has filled the free space; None if all of it will fit."""
    left = growth.total - growth.done
    if left <= 0 or growth.bytes_after(left) <= free_bytes:
        return None
    # The first iteration that does not fit, by bisection: a run may have millions of them.
    fits, full = 0, left
    while full - fits > 1:
        middle = (fits + full) // 2
        if growth.bytes_after(middle) <= free_bytes:
            fits = middle
        else:
            full = middle
    return growth.seconds_left * full / left / 3600
