"""Holds the run while the disk takes no more, and lets it go on by itself when there is space."""

import logging
import threading
import time
from collections.abc import Callable

from blobmaster.run.control.requests import Requests
from blobmaster.run.errors import GivenUpError
from blobmaster.run.files import atomic
from blobmaster.run.status.publisher import StatusPublisher

RETRY_SECONDS = 2.0
LOOK_SECONDS = 0.1
"""How often a wait looks whether the run was asked to leave."""
ALERT = "save-failed"

log = logging.getLogger(__name__)


class Patience:
    """Repeats a write until it succeeds or the run is asked to leave. Any thread may call."""

    def __init__(
        self, publisher: StatusPublisher, requests: Requests, hold: Callable[[bool], None]
    ) -> None:
        """`hold(True)` is called when a wait begins and `hold(False)` when it ends."""
        self._publisher = publisher
        self._requests = requests
        self._hold = hold
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> bool:
        return self._waiting > 0

    def insist(self, action: Callable[[], None], what: str) -> None:
        """Run `action` until it raises no OSError; `what` it writes is for the person who reads.

        Raises: GivenUpError when the run was asked to leave, and all else that `action` raises.
        """
        error = _failure(action)
        if error is None:
            return
        self._enter()
        try:
            while error is not None:
                self._report(error, what)
                self._wait(what, error)
                error = _failure(action)
        finally:
            self._leave()
        log.info("%s was written after all; the run goes on", what)

    def _enter(self) -> None:
        with self._lock:
            self._waiting += 1
        self._hold(True)

    def _leave(self) -> None:
        with self._lock:
            self._waiting -= 1
            last = not self._waiting
        self._hold(False)
        if last:
            self._publisher.clear_alert(ALERT)

    def _report(self, error: OSError, what: str) -> None:
        full = error.errno in atomic.NO_SPACE
        reason = "the disk is full: free some space" if full else f"{error.strerror or error}"
        message = f"cannot write the {what}: {reason}; the run waits and tries again by itself"
        if message not in {alert.message for alert in self._publisher.facts.alerts}:
            log.error("%s", message)
            self._publisher.alert(ALERT, "error", message)

    def _wait(self, what: str, error: OSError) -> None:
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            if self._requests.pause:
                # PAUSE means "after this iteration"; with no room to commit it that is now.
                self._requests.should_stop.set()
                raise GivenUpError(f"the {what} was not written ({error.strerror}): asked to leave")
            time.sleep(LOOK_SECONDS)


def _failure(action: Callable[[], None]) -> OSError | None:
    try:
        action()
    except OSError as error:
        return error
    return None
