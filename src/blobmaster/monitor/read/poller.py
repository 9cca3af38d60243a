"""Does the monitor's file work on threads of its own: a hung mount must not freeze the keys.

The threads are daemons, so that the monitor can leave while one still waits for a file system.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Generic, Protocol, TypeVar

from blobmaster.run.control.requests import send
from blobmaster.run.errors import ControlError

SOON_S: Final = 1.0
"""Between looks while an answer or a death is awaited."""


Found = TypeVar("Found", covariant=True)
Taken = TypeVar("Taken")


class Looks(Protocol[Found]):
    """What can be looked at again and again."""

    @property
    def is_behind(self) -> bool:
        """Whether there is more than one look takes."""

    @property
    def in_doubt(self) -> bool:
        """Whether the next look should be soon."""

    def look(self) -> Found:
        """May block for as long as a file system does."""


class Poller(threading.Thread, Generic[Taken]):
    """Looks again and again and hands on what it finds, in its own thread."""

    def __init__(
        self, source: Looks[Taken], interval: float, deliver: Callable[[Taken], None]
    ) -> None:
        super().__init__(name="poller", daemon=True)
        self._source = source
        self._interval = interval
        self._deliver = deliver
        self._nudged = threading.Event()
        self._waits_for_answer = False
        self._left = False

    def leave(self) -> None:
        """Look no more; a look that hangs ends by itself or with the process."""
        self._left = True
        self._nudged.set()

    def nudge(self) -> None:
        """Look at once."""
        self._nudged.set()

    def await_answer(self, waits: bool) -> None:
        """Look more often while a request is open."""
        self._waits_for_answer = waits

    def run(self) -> None:
        while not self._left:
            self._deliver(self._source.look())
            if self._source.is_behind:
                continue
            hurried = self._waits_for_answer or self._source.in_doubt
            self._nudged.wait(min(SOON_S, self._interval) if hurried else self._interval)
            self._nudged.clear()


class Sender(threading.Thread):
    """Leaves requests for one trainer, in the order in which they were made."""

    def __init__(self, path: Path, report: Callable[[str | None], None]) -> None:
        """`report` gets None or the error after each, in this thread."""
        super().__init__(name="sender", daemon=True)
        self._path = path
        self._report = report
        self._asked: SimpleQueue[str | None] = SimpleQueue()

    def send(self, text: str) -> None:
        """Leave a request when those before it are left; returns at once."""
        self._asked.put(text)

    def leave(self) -> None:
        """Send what was asked for and end."""
        self._asked.put(None)

    def run(self) -> None:
        while (text := self._asked.get()) is not None:
            try:
                send(self._path, text)
            except ControlError as error:
                self._report(str(error))
            else:
                self._report(None)
