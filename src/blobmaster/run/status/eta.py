"""Estimates a run's remaining time from the speed of this session's iterations.

Each step has a speed of its own. With a growing search, self-play comes to cost twenty times as
much as learning. A single speed for both would scale up the time for learning as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RECENT = 50
"""Iterations that the speed is averaged over: enough to even out slow ones and busy hours."""
OTHER = ""
"""Name for all steps without a known cost: together they cost the same in every iteration."""

Work = Mapping[str, float]
"""Cost of each step of an iteration relative to the same step of others, in any unit."""


@dataclass(frozen=True)
class IterationTimes:
    """Times of an iteration completed in this session."""

    seconds: Mapping[str, float]
    """Training time of each step, waiting excluded."""
    work: Work


def estimate(
    iterations: Sequence[IterationTimes], *, now: Work, spent_s: float, after: Work
) -> float | None:
    """Estimate the seconds to the end of the run.

    Args:
        iterations: those completed in this session, oldest first.
        now: work of the iteration in progress.
        spent_s: time that the iteration in progress has taken.
        after: work of all later iterations together.

    Returns:
        Seconds of training; None before this session has completed an iteration.
    """
    # The first iteration of a session is slow (compiling, filling caches), so it counts only until
    # there is a second one.
    recent = (iterations[1:] or iterations)[-RECENT:]
    if not recent:
        return None
    expected_now = sum(_seconds_per_unit(step, recent) * amount for step, amount in now.items())
    expected_after = sum(_seconds_per_unit(step, recent) * amount for step, amount in after.items())
    # An iteration that is overdue must not shorten the estimate for those after it.
    return max(expected_now - spent_s, 0.0) + expected_after


def _seconds_per_unit(step: str, iterations: Sequence[IterationTimes]) -> float:
    """Return the seconds per unit of a step's work; 0 for a step not seen yet."""
    work = sum(each.work.get(step, 0.0) for each in iterations)
    return sum(each.seconds.get(step, 0.0) for each in iterations) / work if work > 0 else 0.0


class TrainingClock:
    """Counts seconds of training; pauses while the run waits for the disk."""

    def __init__(self, before: float, now: float) -> None:
        self._before = before
        self._since: float | None = now
        self._waiting = 0

    def read(self, now: float) -> float:
        """Return the training seconds up to now."""
        return self._before + (0.0 if self._since is None else now - self._since)

    def stop(self, now: float) -> None:
        """Pause the clock. Several threads may wait at once; the last `resume` starts it again."""
        self._before, self._since = self.read(now), None
        self._waiting += 1

    def resume(self, now: float) -> None:
        """End one wait."""
        self._waiting -= 1
        if not self._waiting:
            self._since = now
