"""How far the run is: the iteration, the time it took and the time it will take."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blobmaster.run.status.eta import OTHER, Lap, TrainingClock, Work, seconds_left


@dataclass(frozen=True)
class CourseSample:
    """Where the run was when it was asked."""

    iteration: int
    """The running one, 1-based; the last one when all are done."""
    total_iterations: int
    progress: float
    elapsed_seconds: float
    seconds_left: float | None


def same_work(iteration: int) -> Work:
    """What an iteration costs beside others, when all cost the same."""
    del iteration
    return {}


class Course:
    """From the first iteration of this session to the last of the run. Any thread may call."""

    def __init__(
        self,
        *,
        first: int,
        total: int,
        elapsed_before_s: float,
        now: float,
        work: Callable[[int], Work] = same_work,
    ) -> None:
        """`first` is 0-based; `work(iteration)` is what each of its steps costs, by their names."""
        self._lock = threading.Lock()
        self._running = first
        self._total = total
        self._work = work
        self._remaining: dict[str, float] = {}
        for iteration in range(first, total):
            for step, amount in self._work_of(iteration).items():
                self._remaining[step] = self._remaining.get(step, 0.0) + amount
        self._clock = TrainingClock(elapsed_before_s, now)
        self._lap_began = self._step_began = elapsed_before_s
        self._step = OTHER
        self._spent: dict[str, float] = {}
        self._laps: list[Lap] = []
        self._midway = False

    def enter(self, step: str, now: float) -> None:
        """What is done from here on belongs to this step of the running iteration."""
        with self._lock:
            self._close_step(self._clock.read(now))
            self._step = step

    def enter_midway(self) -> None:
        """An earlier session did a part of the running iteration: its time tells no pace."""
        with self._lock:
            self._midway = True

    def complete(self, iteration: int, now: float) -> None:
        """The running iteration is done and the next one begins."""
        with self._lock:
            elapsed = self._clock.read(now)
            self._close_step(elapsed)
            work = self._work_of(iteration)
            if not self._midway:
                self._laps.append(Lap(self._by_work(work), work))
            self._midway, self._spent = False, {}
            for step, amount in work.items():
                self._remaining[step] = max(self._remaining.get(step, 0.0) - amount, 0.0)
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
            return sum(self._laps[-1].seconds.values()) if self._laps else None

    def sample(self, now: float) -> CourseSample:
        with self._lock:
            elapsed = self._clock.read(now)
            return CourseSample(
                iteration=min(self._running + 1, self._total),
                total_iterations=self._total,
                progress=min(self._running / self._total, 1.0) if self._total else 0.0,
                elapsed_seconds=elapsed,
                seconds_left=self._seconds_left(elapsed - self._lap_began),
            )

    def _seconds_left(self, spent_s: float) -> float | None:
        running = self._work_of(self._running) if self._running < self._total else {}
        after = {
            step: max(amount - running.get(step, 0.0), 0.0)
            for step, amount in self._remaining.items()
        }
        return seconds_left(self._laps, now=running, spent_s=spent_s, after=after)

    def _work_of(self, iteration: int) -> Work:
        return {OTHER: 1.0} | dict(self._work(iteration))

    def _close_step(self, elapsed: float) -> None:
        self._spent[self._step] = self._spent.get(self._step, 0.0) + elapsed - self._step_began
        self._step_began = elapsed

    def _by_work(self, work: Work) -> Mapping[str, float]:
        """The lap's seconds under the names that its work knows."""
        seconds = dict.fromkeys(work, 0.0)
        for step, spent in self._spent.items():
            seconds[step if step in work else OTHER] += spent
        return seconds
