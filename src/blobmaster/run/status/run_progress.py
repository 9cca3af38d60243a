"""Progress of the run: the iteration, the elapsed training time, and the estimated time left."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blobmaster.run.status.eta import OTHER, IterationTimes, TrainingClock, Work, estimate

EXACT = 10_000
"""Iterations whose work is added up one by one."""
MEAN_OF = 1000
"""The last of them, whose mean stands for each one beyond; a multiple of any period of ratings."""


@dataclass(frozen=True)
class RunProgressSample:
    """Progress of the run at one moment."""

    iteration: int
    """The current iteration, 1-based; the last one when all are done."""
    total_iterations: int
    progress: float
    elapsed_seconds: float
    seconds_left: float | None


def equal_work(iteration: int) -> Work:
    """Return the work of an iteration in a run whose iterations all cost the same."""
    del iteration
    return {}


class RunProgress:
    """Tracks iterations from the first of this session to the last of the run. Thread-safe.

    Times are arguments (monotonic seconds), so that tests choose them.
    """

    def __init__(
        self,
        *,
        first: int,
        total: int,
        elapsed_before_s: float,
        now: float,
        work: Callable[[int], Work] = equal_work,
    ) -> None:
        """`first` is 0-based; `work(iteration)` gives the relative cost of its steps by name."""
        self._lock = threading.Lock()
        self._running = first
        self._total = total
        self._work = work
        self._remaining = self._sum_work(first, total)
        self._clock = TrainingClock(elapsed_before_s, now)
        self._iteration_began = self._step_began = elapsed_before_s
        self._step = OTHER
        self._spent: dict[str, float] = {}
        self._iterations: list[IterationTimes] = []
        self._midway = False

    def start_step(self, step: str, now: float) -> None:
        """Attribute the time from now on to this step of the current iteration."""
        with self._lock:
            self._close_step(self._clock.read(now))
            self._step = step

    def mark_resumed(self) -> None:
        """Exclude the current iteration from the ETA: an earlier session did a part of it."""
        with self._lock:
            self._midway = True

    def complete(self, iteration: int, now: float) -> None:
        """End the current iteration (0-based) and start the next one."""
        with self._lock:
            elapsed = self._clock.read(now)
            self._close_step(elapsed)
            work = self._work_of(iteration)
            if not self._midway:
                self._iterations.append(IterationTimes(self._by_work(work), work))
            self._midway, self._spent = False, {}
            for step, amount in work.items():
                self._remaining[step] = max(self._remaining.get(step, 0.0) - amount, 0.0)
            self._iteration_began = elapsed
            self._running = iteration + 1

    def pause_clock(self, now: float) -> None:
        """Stop counting training time while the run waits for the disk."""
        with self._lock:
            self._clock.stop(now)

    def resume_clock(self, now: float) -> None:
        """Count training time again."""
        with self._lock:
            self._clock.resume(now)

    def elapsed_seconds(self, now: float) -> float:
        """Return the training time over all sessions, waiting excluded."""
        with self._lock:
            return self._clock.read(now)

    def sample(self, now: float) -> RunProgressSample:
        """Return the progress at this moment."""
        with self._lock:
            elapsed = self._clock.read(now)
            return RunProgressSample(
                iteration=min(self._running + 1, self._total),
                total_iterations=self._total,
                progress=min(self._running / self._total, 1.0) if self._total else 0.0,
                elapsed_seconds=elapsed,
                seconds_left=self._seconds_left(elapsed - self._iteration_began),
            )

    def _seconds_left(self, spent_s: float) -> float | None:
        running = self._work_of(self._running) if self._running < self._total else {}
        after = {
            step: max(amount - running.get(step, 0.0), 0.0)
            for step, amount in self._remaining.items()
        }
        return estimate(self._iterations, now=running, spent_s=spent_s, after=after)

    def _sum_work(self, first: int, total: int) -> dict[str, float]:
        """Return the work of the iterations from `first` to `total`, in bounded time."""
        # A run may be given a billion iterations, to end it by hand. Adding them up would take
        # minutes before the first of them, so all beyond `EXACT` cost the mean of the last ones
        # added: no curriculum lasts longer.
        summed = min(total, first + EXACT)
        sums: dict[str, float] = {}
        last: dict[str, float] = {}
        for iteration in range(first, summed):
            for step, amount in self._work_of(iteration).items():
                sums[step] = sums.get(step, 0.0) + amount
                if iteration >= summed - MEAN_OF:
                    last[step] = last.get(step, 0.0) + amount
        beyond = total - summed
        if beyond > 0:
            for step, amount in last.items():
                sums[step] += amount / MEAN_OF * beyond
        return sums

    def _work_of(self, iteration: int) -> Work:
        return {OTHER: 1.0} | dict(self._work(iteration))

    def _close_step(self, elapsed: float) -> None:
        self._spent[self._step] = self._spent.get(self._step, 0.0) + elapsed - self._step_began
        self._step_began = elapsed

    def _by_work(self, work: Work) -> Mapping[str, float]:
        """Return the iteration's seconds by the steps in `work`, other steps as `OTHER`."""
        seconds = dict.fromkeys(work, 0.0)
        for step, spent in self._spent.items():
            seconds[step if step in work else OTHER] += spent
        return seconds
