"""Predicts when the files that a run will still write fill its disk."""

from dataclasses import dataclass

from blobmaster.run.checkpoints.retention import CACHED_KEPT, PERMANENT_EVERY


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The files that a run will still write to the disk of its directory."""

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
    """Mean size of an iteration's history row."""

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
