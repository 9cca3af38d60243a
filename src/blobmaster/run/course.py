"""How far the run is: the iteration, the time it took and the time it will take."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from blobmaster.run.pace import Lap, TrainingClock, seconds_left


@dataclass(frozen=True)
class CourseSample:
    """Where the run was when it was asked."""

    iteration: int
    """The running one, 1-based; the last one when all are done."""
    total_iterations: int
    progress: float
    elapsed_seconds: float
    seconds_left: float | None


def same_work(iteration: int) -> float:
    """What an iteration costs beside others, when all cost the same."""
    del iteration
    return 1.0


class Course:
    """From the first iteration of this session to the last of the run. Any thread may call."""

    def __init__(
        self,
        *,
        first: int,
        total: int,
        elapsed_before_s: float,
        now: float,
        work: Callable[[int], float] = same_work,
    ) -> None:
        """`first` is 0-based; `work(iteration)` is an iteration's relative cost."""
        self._lock = threading.Lock()
        self._running = first
        self._total = total
        self._work = work
        self._remaining = sum(work(iteration) for iteration in range(first, total))
        self._clock = TrainingClock(elapsed_before_s, now)
        self._lap_began = elapsed_before_s
        self._laps: list[Lap] = []
        self._midway = False

    def enter_midway(self) -> None:
        """An earlier session did a part of the running iteration: its time tells no pace."""
        with self._lock:
            self._midway = True

    def complete(self, iteration: int, now: float) -> None:
        """The running iteration is done and the next one begins."""
        with self._lock:
            elapsed = self._clock.read(now)
            work = self._work(iteration)
            if not self._midway:
                self._laps.append(Lap(elapsed - self._lap_began, work))
            self._midway = False
            self._remaining -= work
            self._lap_began = elapsed
            self._running = iteration + 1

    def stop_clock(self, now: float) -> None:
        """The run waits; what waits is no training time."""
        with self._lock:
            self._clock.stop(now)

    def start_clock(self, now: float) -> None:
        with self._lock:
            self._clock.go_on(now)

    def elapsed_seconds(self, now: float) -> float:
        with self._lock:
            return self._clock.read(now)

    def seconds_per_iteration(self) -> float | None:
        with self._lock:
            return self._laps[-1].seconds if self._laps else None

    def sample(self, now: float) -> CourseSample:
        with self._lock:
            elapsed = self._clock.read(now)
            return CourseSample(
                iteration=min(self._running + 1, self._total),
                total_iterations=self._total,
                progress=min(self._running / self._total, 1.0) if self._total else 0.0,
                elapsed_seconds=elapsed,
                seconds_left=seconds_left(
                    self._laps, remaining_work=self._remaining, spent_s=elapsed - self._lap_began
                ),
            )
