"""The session's clock: it does not count time in which the system has stopped the process."""

import threading
import time
from collections.abc import Callable

GAP_SECONDS = 5.0
"""A longer time between two readings is a stop. The ticker reads every half second; this leaves
room for a slow disk and a busy machine. A shorter stop counts as running, in the
elapsed time and in the pace of the step that it falls into. No result depends on either."""


class RunningClock:
    """Counts the seconds in which the process could run. Thread-safe.

    SIGSTOP and a frozen container hold the process but not `time.monotonic`, so they show as a gap
    between two readings; some thread must read often. A machine that sleeps needs no care, since
    CLOCK_MONOTONIC stands still meanwhile (unlike CLOCK_BOOTTIME and the wall clock).
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        """Start at the time of `monotonic`; `cpu` returns the CPU seconds of this process."""
        self._monotonic = monotonic
        self._cpu = cpu
        self._lock = threading.Lock()
        self._read_at = monotonic()
        self._cpu_at = cpu()
        self._stopped = 0.0

    def __call__(self) -> float:
        """Return the seconds of a steady clock, less all stops so far."""
        # Every reader looks for a gap itself: after a stop, the loop may read before the ticker.
        with self._lock:
            now, cpu = self._monotonic(), self._cpu()
            gap = now - self._read_at
            if gap > GAP_SECONDS:
                # A long call into compiled code that holds the interpreter's lock keeps the ticker
                # from reading, too. It works meanwhile, and a stopped process does not.
                self._stopped += max(0.0, gap - (cpu - self._cpu_at))
            self._read_at, self._cpu_at = now, cpu
            return now - self._stopped
