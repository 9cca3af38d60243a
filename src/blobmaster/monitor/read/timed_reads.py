"""Reads several things with a timeout each, so that a hung file system delays no other.

A worker thread does the reading. If a read exceeds its timeout, the thread is left behind as a
daemon and another one reads the rest. What hangs is not read again until its read has returned.
Reads of a hung network mount cannot be cancelled: the thread sleeps in the kernel.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

READ_TIMEOUT_S: Final = 1.0
"""For one read."""
ROUND_TIMEOUT_S: Final = 2.0
"""For all reads of a round that start to hang: a mount may hold many runs."""
_SHORTEST_TIMEOUT_S: Final = 0.05

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


@dataclass(frozen=True)
class TimedResult(Generic[Found]):
    """The last result of a read."""

    found: Found
    silent_s: float | None
    """Age of the result if the next read hangs; None if the result is current."""


class TimedReads(Generic[Key, Found]):
    """Reads with timeouts and remembers each last result; for use by one thread."""

    def __init__(self) -> None:
        self._worker = _Worker()
        self._hung: dict[Key, Future[Found]] = {}
        self._last: dict[Key, tuple[Found, float]] = {}

    def read(
        self, reads: Mapping[Key, Callable[[], Found]]
    ) -> dict[Key, TimedResult[Found] | None]:
        """Call each read; the result is None if it has never returned. Other keys are forgotten.

        Raises:
            Exception: what a read raises.
        """
        for known in (self._hung, self._last):
            for key in known.keys() - reads.keys():
                del known[key]
        left = ROUND_TIMEOUT_S
        for key, read in reads.items():
            started = time.monotonic()
            if not self._try(key, read, min(READ_TIMEOUT_S, max(left, _SHORTEST_TIMEOUT_S))):
                left -= time.monotonic() - started
        return {key: self._result(key) for key in reads}

    def _try(self, key: Key, read: Callable[[], Found], timeout: float) -> bool:
        """Return True if the read, and an earlier one that hung, has returned."""
        future = self._hung.pop(key, None)
        if future is not None and not future.done():
            self._hung[key] = future
            return False
        future = self._worker.submit(read)
        try:
            found = future.result(timeout)
        except TimeoutError:
            if future.done():  # the read itself raised it
                raise
            self._hung[key] = future
            self._worker.stop()
            self._worker = _Worker()
            return False
        self._last[key] = (found, time.monotonic())
        return True

    def _result(self, key: Key) -> TimedResult[Found] | None:
        if key not in self._last:
            return None
        found, at = self._last[key]
        return TimedResult(found, time.monotonic() - at if key in self._hung else None)


class _Worker:
    """A daemon thread that executes one read after another; the first read starts it.

    A ThreadPoolExecutor will not do: the interpreter joins its threads at exit, and would wait for
    the one that hangs.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)

    def submit(self, read: Callable[[], Found]) -> Future[Found]:
        """Queue a read and return its future."""
        future: Future[Found] = Future()

        def execute() -> None:
            try:
                future.set_result(read())
            except Exception as error:  # noqa: BLE001 (raised again by `result`)
                future.set_exception(error)

        self._queue.put(execute)
        if self._thread.ident is None:
            self._thread.start()
        return future

    def stop(self) -> None:
        """End the thread once its current read returns."""
        self._queue.put(None)

    def _run(self) -> None:
        while (execute := self._queue.get()) is not None:
            execute()
