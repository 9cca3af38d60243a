"""The thread that writes the status and receives requests and signals, whatever the loop does."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

from blobmaster.run.control import keep_note
from blobmaster.run.control.requests import RequestKind, Requests, take
from blobmaster.run.control.signals import SignalWatch
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.layout import CONTROL_NAME, RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import Request

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0
SPACING_SECONDS = 0.1
"""Urgent updates that are closer together than this are written as one."""
EXIT_SECONDS = 1.2
"""Time a loop has to exit when asked to do so at once; then the process is ended, which is safe."""
NOT_UNDERSTOOD = "control"

log = logging.getLogger(__name__)


class Ticker(threading.Thread):
    """Writes heartbeats and urgent updates, and carries out requests, from `start` to `stop`."""

    def __init__(
        self,
        *,
        watch: SignalWatch,
        layout: RunLayout,
        requests: Requests,
        publisher: StatusPublisher,
        sample: Callable[[], None],
        close_status: Callable[[], None],
        is_held: Callable[[], bool],
        fail: Callable[[BaseException], None],
        exit_status: Callable[[], int],
    ) -> None:
        """Prepare the thread; `start` begins.

        Args:
            watch: receives the signals.
            layout: the run directory.
            requests: the requests that are accepted.
            publisher: writes the status.
            sample: publishes what is read periodically.
            close_status: writes the last status, when the loop did not exit in time and the process
                is ended.
            is_held: returns False once the run directory is lost: the run has failed and is to
                exit.
            fail: ends the run as failed, after an error of this thread.
            exit_status: returns the process's exit status, after `close_status`.
        """
        super().__init__(name="blobmaster-ticker", daemon=True)
        self._watch = watch
        self._layout = layout
        self._requests = requests
        self._publisher = publisher
        self._sample = sample
        self._close_status = close_status
        self._is_held = is_held
        self._fail = fail
        self._exit_status = exit_status
        self._stopping = threading.Event()
        self._interrupted = False
        self._exit_by: float | None = None
        self._untakable: str | None = None
        """Why the control file that lies there cannot be taken."""

    def stop(self) -> None:
        """End the thread and wait for it; it writes nothing afterwards."""
        self._stopping.set()
        self._watch.wake()
        self.join()

    def run(self) -> None:
        """Tick until stopped; an error here ends the run, which nobody could see or stop."""
        try:
            self._tick()
        except BaseException as error:
            log.exception("the thread that writes the status has failed")
            self._fail(error)
            if not self._stopping.wait(EXIT_SECONDS):
                self._exit()

    def _tick(self) -> None:
        look_at = heartbeat_at = written_at = 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            is_held = self._is_held()
            if not is_held:
                self._set_deadline()
            if now >= look_at:
                look_at = now + LOOK_SECONDS
                if is_held:
                    self._read_control_file()
                    self._sample()
            news_at = written_at + SPACING_SECONDS if self._publisher.changed else heartbeat_at
            if now >= min(news_at, heartbeat_at):
                written_at, heartbeat_at = now, now + HEARTBEAT_SECONDS
                # Looked at again: sampling takes long enough for a directory to be replaced.
                self._is_held()
                self._publisher.write()
                continue
            due = min(look_at, news_at, heartbeat_at, self._exit_by or look_at)
            for number in self._watch.wait(due - now):
                self._receive_signal(number)
            self._exit_if_due()

    def _read_control_file(self) -> None:
        try:
            taken = take(self._layout.control, self._layout.control_taken)
        except OSError as error:
            self._report_untakable(error)
            return
        if taken is None:
            if self._untakable is not None and not self._layout.control.exists():
                self._untakable = None
                self._publisher.clear_alert(NOT_UNDERSTOOD)
            return
        self._untakable = None
        if not taken.kinds:
            known = ", ".join(RequestKind)
            message = f"{CONTROL_NAME} was not understood: '{taken.text}'; known: {known}"
            log.warning("%s", message)
            self._publisher.raise_alert(NOT_UNDERSTOOD, "warning", message)
            return
        self._publisher.clear_alert(NOT_UNDERSTOOD)
        for kind in taken.kinds:
            self._accept(kind)

    def _report_untakable(self, error: OSError) -> None:
        """Say once, not twice a second, that a request cannot be taken."""
        reason = explain(error, self._layout.root)
        if reason == self._untakable:
            return
        self._untakable = reason
        message = f"cannot take {self._layout.control}: {reason}; it is not obeyed"
        log.warning("%s", message)
        self._publisher.raise_alert(NOT_UNDERSTOOD, "warning", message)

    def _accept(self, kind: RequestKind) -> None:
        if not self._requests.submit(kind):
            log.warning("%s comes too late: the run is already exiting", kind)
            return
        log.info("request in %s: %s", CONTROL_NAME, kind)
        if kind is RequestKind.CHECKPOINT:
            keep_note.write(self._layout, self._publisher.status.run_id)
        accepted = None if kind is RequestKind.CONTINUE else Request(text=kind, at=time.time())
        self._publisher.update(request=accepted)
        if self._requests.should_stop.is_set():
            self._set_deadline()
        self._sample()

    def _receive_signal(self, number: int) -> None:
        if number == signal.SIGINT and self._interrupted:
            self._exit()
        self._interrupted = self._interrupted or number == signal.SIGINT
        name = signal.Signals(number).name
        log.info("received %s: exiting; a second Ctrl+C exits at once", name)
        self._requests.stop(number)
        self._publisher.update(request=Request(text=name, at=time.time()))
        self._set_deadline()
        self._sample()

    def _set_deadline(self) -> None:
        if self._exit_by is None:
            self._exit_by = time.monotonic() + EXIT_SECONDS

    def _exit_if_due(self) -> None:
        if self._exit_by is not None and time.monotonic() >= self._exit_by:
            log.info("the step in progress did not end in time and is abandoned")
            self._exit()

    def _exit(self) -> None:
        """End the process now."""
        # os._exit runs no clean-up and waits for no thread: the loop may sit in a C call that never
        # returns to Python. It is safe, as every file is replaced atomically.
        try:
            self._close_status()
        finally:
            os._exit(self._exit_status())
