"""When the run will be done: from this session's pace alone, unknown until it is known.

Every step has a pace of its own. Where a search grows, self-play soon costs twenty times what
learning does; one pace for both would carry the cheap beginning's learning into all that follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RECENT = 50
"""Iterations that the pace comes from: enough for slow ones and busy hours to even out."""
OTHER = ""
"""All steps that a run's work does not name: taken together, they cost the same every time."""

Work = Mapping[str, float]
"""What each step of an iteration costs beside other iterations' same step, in any unit."""


@dataclass(frozen=True)
class Lap:
    """An iteration that this session completed."""

    seconds: Mapping[str, float]
    """Training time of each step, waiting excluded."""
    work: Work


def seconds_left(laps: Sequence[Lap], *, now: Work, spent_s: float, after: Work) -> float | None:
    """Time to the end of the run; None before this session has completed an iteration.

    `now` is the work of the iteration in progress, which has taken `spent_s` so far, and `after`
    that of all behind it. An iteration that takes long is no reason to expect less of the others.
    A session's first lap starts cold (compiling, filling caches), so it counts only while alone.
    """
    recent = (laps[1:] or laps)[-RECENT:]
    if not recent:
        return None
    expected_now = sum(_pace(step, recent) * amount for step, amount in now.items())
    expected_after = sum(_pace(step, recent) * amount for step, amount in after.items())
    return max(expected_now - spent_s, 0.0) + expected_after


def _pace(step: str, laps: Sequence[Lap]) -> float:
    """Seconds a unit of the step's work; 0 for a step that has not come up yet."""
    work = sum(lap.work.get(step, 0.0) for lap in laps)
    return sum(lap.seconds.get(step, 0.0) for lap in laps) / work if work > 0 else 0.0


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
