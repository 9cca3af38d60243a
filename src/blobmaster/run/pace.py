"""When the run will be done: from this session's pace alone, unknown until it is known."""

from collections.abc import Sequence
from dataclasses import dataclass

RECENT = 10
"""Iterations that the pace comes from: two rounds of what happens every fifth only."""


@dataclass(frozen=True)
class Lap:
    """An iteration that this session completed."""

    seconds: float
    """Training time, waiting excluded."""
    work: float
    """Its cost beside others', in any unit."""


def seconds_left(laps: Sequence[Lap], *, remaining_work: float, spent_s: float) -> float | None:
    """Time to the end of the run; None before this session has completed an iteration.

    `remaining_work` includes the iteration in progress, which has taken `spent_s` so far. A
    session's first lap starts cold (compiling, filling caches), so it counts only while alone.
    """
    recent = (laps[1:] or laps)[-RECENT:]
    work = sum(lap.work for lap in recent)
    if work <= 0:
        return None
    expected = sum(lap.seconds for lap in recent) / work * remaining_work
    return max(expected - spent_s, 0.0)


class TrainingClock:
    """Seconds of training so far; stands still while the run waits for the disk."""

    def __init__(self, before: float, now: float) -> None:
        self._before = before
        self._since: float | None = now
        self._waiting = 0

    def read(self, now: float) -> float:
        return self._before + (0.0 if self._since is None else now - self._since)

    def stop(self, now: float) -> None:
        """May be called by several who wait at once; the last `go_on` counts."""
        self._before, self._since = self.read(now), None
        self._waiting += 1

    def go_on(self, now: float) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._since = now
