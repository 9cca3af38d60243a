"""Does the monitor's file work on threads of its own: a hung mount must not freeze the keys.

The threads are daemons, so that the monitor can leave while one still waits for a file system.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from blobmaster.monitor.source import Source
from blobmaster.monitor.view import Reading
from blobmaster.run.control import send
from blobmaster.run.errors import ControlError

SOON_S: Final = 1.0
"""Between looks while an answer or a death is awaited."""


class Poller(threading.Thread):
    """Looks at a run again and again and hands every reading on, in its own thread."""

    def __init__(self, source: Source, interval: float, deliver: Callable[[Reading], None]) -> None:
        super().__init__(name="poller", daemon=True)
        self._source = source
        self._interval = interval
        self._deliver = deliver
        self._nudged = threading.Event()
        self._waits_for_answer = False

    def nudge(self) -> None:
        """Look at once."""
        self._nudged.set()

    def await_answer(self, waits: bool) -> None:
        """Look more often while a request is open."""
        self._waits_for_answer = waits

    def run(self) -> None:
        while True:
            self._deliver(self._source.look())
            if self._source.is_behind:
                continue
            hurried = self._waits_for_answer or self._source.in_doubt
            self._nudged.wait(min(SOON_S, self._interval) if hurried else self._interval)
            self._nudged.clear()


def send_in_background(path: Path, text: str, report: Callable[[str | None], None]) -> None:
    """Leave a request for the trainer; `report` gets None or the error, in another thread."""

    def leave() -> None:
        try:
            send(path, text)
        except ControlError as error:
            report(str(error))
        else:
            report(None)

    threading.Thread(target=leave, name="request", daemon=True).start()
