"""Live parts of a page: one reading serves all who watch, and nothing is read while nobody does."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from blobmaster.monitor.read.poller import Poller
from blobmaster.monitor.read.readers import Reader

Parts = Mapping[str, str]
"""HTML by the id of the element that shows it; `title` is the document's title."""
Taken = TypeVar("Taken")


class Board:
    """The newest parts, each with the version at which it changed.

    Whoever falls behind gets the newest state of what has changed, and never a queue of old ones:
    so a slow client costs no memory.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = 0
        self._parts: dict[str, tuple[int, str]] = {}

    def put(self, parts: Parts) -> None:
        """Replace the parts that differ, and wake everybody, also if none does."""
        with self._changed:
            self._version += 1
            for name, html in parts.items():
                if self._parts.get(name, (0, None))[1] != html:
                    self._parts[name] = (self._version, html)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all parts: they are too old to be shown as news."""
        with self._changed:
            self._parts = {}

    def wait(self, seen: int, timeout: float) -> tuple[int, dict[str, str]]:
        """Wait for a version after `seen`; return the current one and the parts changed since."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen and self._parts, timeout)
            news = {name: html for name, (at, html) in self._parts.items() if at > seen}
            return (self._version if self._parts else seen), news


class Channel(Generic[Taken]):
    """Reads again and again while somebody watches, and puts what it draws on a board."""

    def __init__(
        self,
        reader: Reader[Taken],
        interval: float,
        draw: Callable[[Taken], Parts],
        draw_silent: Callable[[], Parts],
    ) -> None:
        """Prepare to read; the first to watch starts it.

        Args:
            reader: what is read.
            interval: seconds between two readings.
            draw: returns the parts to show after a reading.
            draw_silent: returns the parts to show if the file system does not answer.
        """
        self._draw, self._draw_silent = draw, draw_silent
        self._silence_s = 2 * interval + 1
        self._board = Board()
        self._gate = threading.Event()
        self._poller = Poller(_GatedReader(reader, self._gate), interval, self._take, _raise)
        self._lock = threading.Lock()
        self._watchers = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the readings going for the time of the context."""
        with self._lock:
            self._watchers += 1
            if self._watchers == 1:
                self._board.clear()
                self._gate.set()
                self.read_now()
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                if not self._watchers:
                    self._gate.clear()

    def read_often(self, waits: bool) -> None:
        """Read more often while a request is unanswered."""
        self._poller.poll_faster(waits)

    def read_now(self) -> None:
        """Read at once."""
        if self._poller.ident is None:
            self._poller.start()
        else:
            self._poller.poll_now()

    def wait(self, seen: int) -> tuple[int, dict[str, str]]:
        """Wait for news after version `seen`; if nothing is read in time, that is the news."""
        version, news = self._board.wait(seen, self._silence_s)
        if version > seen:
            return version, news
        self._board.put(self._draw_silent())
        return self._board.wait(seen, 0)

    def show(self, parts: Parts) -> None:
        """Show these parts now, such as the note that a request is on its way."""
        self._board.put(parts)

    def _take(self, found: Taken) -> None:
        self._board.put(self._draw(found))


def _raise(error: Exception) -> None:
    """Let the thread end with its traceback in the server's terminal; the page shows silence."""
    raise error


class _GatedReader(Generic[Taken]):
    """A reader that waits until somebody watches."""

    def __init__(self, reader: Reader[Taken], gate: threading.Event) -> None:
        self._reader, self._gate = reader, gate

    @property
    def is_behind(self) -> bool:
        return self._reader.is_behind

    @property
    def in_doubt(self) -> bool:
        return self._reader.in_doubt

    def read(self) -> Taken:
        self._gate.wait()
        return self._reader.read()
