"""Progress of the current step, in units of work; distinguishes a busy trainer from a hung one."""

import threading
from dataclasses import dataclass

from blobmaster.run.status.schema import Step


@dataclass(frozen=True)
class StepProgressSample:
    """Progress of the step at one moment."""

    step: Step | None
    count: int
    moved_at: float
    """Epoch seconds, such that the time since then is without stops."""
    slowest_gap_s: float


class StepProgress:
    """Counts the current step's units of work. Thread-safe.

    Times are arguments: `now` in seconds of the session's clock, `wall` in epoch seconds.
    """

    def __init__(self, now: float, wall: float) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._unit = ""
        self._total = 0
        self._done = 0
        self._done_before = 0
        self._began = now
        self._began_wall = wall
        self._count = 0
        self._moved = now
        self._slowest = 0.0

    def start(
        self, name: str, total: int, unit: str, now: float, wall: float, *, done: int = 0
    ) -> None:
        """Start a step of which an earlier session has completed `done` units."""
        with self._lock:
            self._name, self._unit, self._total = name, unit, total
            self._done = self._done_before = done
            self._began, self._began_wall = now, wall
            self._move(now)

    @property
    def unit(self) -> str:
        """The name of the step's units."""
        return self._unit

    def advance(self, units: int, now: float) -> None:
        """Add completed units."""
        with self._lock:
            self._done += units
            self._move(now)

    def sample(self, now: float, wall: float) -> StepProgressSample:
        """Return the progress at this moment."""
        with self._lock:
            # Not the wall clock's time of the last unit: a laptop that slept since then, or a clock
            # that was set, would look like a stall.
            moved_at = wall - (now - self._moved)
            return StepProgressSample(self._step(now), self._count, moved_at, self._slowest)

    def _move(self, now: float) -> None:
        self._slowest = max(self._slowest, now - self._moved)
        self._count += 1
        self._moved = now

    def _step(self, now: float) -> Step | None:
        if not self._name:
            return None
        took = now - self._began
        worked = self._done - self._done_before
        rate = worked / took if worked and took > 0 else None
        left = max(self._total - self._done, 0) / rate if rate and self._total else None
        return Step(
            name=self._name,
            done=self._done,
            total=self._total,
            unit=self._unit,
            rate=rate,
            seconds_left=left,
            started_at=self._began_wall,
        )
