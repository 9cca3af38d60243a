"""The thread that keeps the status fresh and hears requests and signals, whatever the loop does."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from blobmaster.run.control.requests import RequestKind, Requests, take
from blobmaster.run.control.signals import SignalWatch
from blobmaster.run.files.layout import CONTROL_NAME, RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import Request

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0
SPACING_SECONDS = 0.1
"""News that comes faster than this is written together."""
LEAVE_SECONDS = 1.2
"""A loop that was told to leave at once has this long; any death is safe, so then it is over."""
NOT_UNDERSTOOD = "control"

log = logging.getLogger(__name__)


class Ticker(threading.Thread):
    """Runs from `start` to `stop`."""

    def __init__(
        self,
        *,
        watch: SignalWatch,
        layout: RunLayout,
        requests: Requests,
        publisher: StatusPublisher,
        sample: Callable[[], None],
        close_status: Callable[[], None],
    ) -> None:
        """`sample` puts up what has to be looked at now and then; `close_status` writes the last
        status when the loop has to be left where it stands."""
        super().__init__(name="blobmaster-ticker", daemon=True)
        self._watch = watch
        self._layout = layout
        self._requests = requests
        self._publisher = publisher
        self._sample = sample
        self._close_status = close_status
        self._stopping = threading.Event()
        self._interrupted = False
        self._leave_by: float | None = None

    def stop(self) -> None:
        """End the thread; nothing is written after that."""
        self._stopping.set()
        self._watch.wake()
        self.join()

    def run(self) -> None:
        """A run that nobody can see or stop must not go on: what goes wrong here ends it."""
        try:
            self._tick()
        except BaseException:
            self._requests.should_stop.set()
            raise

    def _tick(self) -> None:
        look_at = heartbeat_at = written_at = 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LOOK_SECONDS
                self._look()
                self._sample()
            news_at = written_at + SPACING_SECONDS if self._publisher.changed else heartbeat_at
            if now >= min(news_at, heartbeat_at):
                written_at, heartbeat_at = now, now + HEARTBEAT_SECONDS
                self._publisher.write()
                continue
            due = min(look_at, news_at, heartbeat_at, self._leave_by or look_at)
            for number in self._watch.wait(due - now):
                self._obey(number)
            self._leave_if_due()

    def _look(self) -> None:
        try:
            taken = take(self._layout.control, self._layout.control_taken)
        except OSError as error:
            log.warning("cannot take %s: %s", self._layout.control, error.strerror)
            return
        if taken is None:
            return
        if not taken.kinds:
            known = ", ".join(RequestKind)
            message = f"{CONTROL_NAME} was not understood: {taken.text!r}; known: {known}"
            log.warning("%s", message)
            self._publisher.alert(NOT_UNDERSTOOD, "warning", message)
            return
        self._publisher.clear_alert(NOT_UNDERSTOOD)
        for kind in taken.kinds:
            self._take_in(kind)

    def _take_in(self, kind: RequestKind) -> None:
        if not self._requests.ask(kind):
            log.warning("%s comes too late: the run is leaving already", kind)
            return
        log.info("asked by %s: %s", CONTROL_NAME, kind)
        obeyed = None if kind is RequestKind.CONTINUE else Request(text=kind, at=time.time())
        self._publisher.put(request=obeyed)
        if self._requests.should_stop.is_set():
            self._set_deadline()
        self._sample()

    def _obey(self, number: int) -> None:
        if number == signal.SIGINT and self._interrupted:
            self._leave(128 + number)
        self._interrupted = self._interrupted or number == signal.SIGINT
        name = signal.Signals(number).name
        log.info("asked by %s to leave; a second Ctrl+C leaves at once", name)
        self._requests.stop(number)
        self._publisher.put(request=Request(text=name, at=time.time()))
        self._set_deadline()
        self._sample()

    def _set_deadline(self) -> None:
        if self._leave_by is None:
            self._leave_by = time.monotonic() + LEAVE_SECONDS

    def _leave_if_due(self) -> None:
        if self._leave_by is not None and time.monotonic() >= self._leave_by:
            log.info("the step in progress did not end in time and is left where it stands")
            number = self._requests.signal
            self._leave(128 + number if number else 0)

    def _leave(self, exit_status: int) -> None:
        """End the process here. Whatever the other threads are at, the files are whole."""
        try:
            self._close_status()
        finally:
            os._exit(exit_status)
