"""Threads for the monitor's file access, so that a hung mount does not freeze the keys.

They are daemons: the monitor can exit while one still waits for the file system.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from blobmaster.monitor.read.readers import Reader
from blobmaster.run.control.requests import send
from blobmaster.run.errors import ControlError

SOON_S: Final = 1.0
"""Interval between readings while a request is unanswered or a process has just gone."""


Taken = TypeVar("Taken")


class Poller(threading.Thread, Generic[Taken]):
    """Reads periodically and delivers each result, in its own thread."""

    def __init__(
        self,
        reader: Reader[Taken],
        interval: float,
        deliver: Callable[[Taken], None],
        fail: Callable[[Exception], None],
    ) -> None:
        """Args:
        reader: reads what `deliver` gets.
        interval: seconds between two readings.
        deliver: called in this thread with each reading.
        fail: called in this thread with an error of the program, after which the thread ends. It
            has to reach the user: a screen that stands still would blame the file system.
        """
        super().__init__(name="poller", daemon=True)
        self._fail = fail
        self._reader = reader
        self._interval = interval
        self._deliver = deliver
        self._woken = threading.Event()
        self._is_fast = False
        self._stopped = False

    def stop(self) -> None:
        """Stop reading; a read that hangs ends with the process at the latest."""
        self._stopped = True
        self._woken.set()

    def poll_now(self) -> None:
        """Read again at once."""
        self._woken.set()

    def poll_faster(self, waits: bool) -> None:
        """Read more often while a request is unanswered."""
        self._is_fast = waits

    def run(self) -> None:
        try:
            self._poll()
        except Exception as error:  # noqa: BLE001 (whatever it is, `fail` shows it)
            self._fail(error)

    def _poll(self) -> None:
        while not self._stopped:
            self._deliver(self._reader.read())
            if self._reader.is_behind:
                continue
            urgent = self._is_fast or self._reader.in_doubt
            self._woken.wait(min(SOON_S, self._interval) if urgent else self._interval)
            self._woken.clear()


class Sender(threading.Thread):
    """Sends requests to one trainer, in order."""

    def __init__(self, path: Path, report: Callable[[str | None], None]) -> None:
        """`report` is called after each request, in this thread, with an error or None."""
        super().__init__(name="sender", daemon=True)
        self._path = path
        self._report = report
        self._queue: SimpleQueue[str | None] = SimpleQueue()

    def send(self, text: str) -> None:
        """Queue a request; returns at once."""
        self._queue.put(text)

    def stop(self) -> None:
        """Send what is queued, then end the thread."""
        self._queue.put(None)

    def run(self) -> None:
        while (text := self._queue.get()) is not None:
            try:
                send(self._path, text)
            except ControlError as error:
                self._report(str(error))
            else:
                self._report(None)
