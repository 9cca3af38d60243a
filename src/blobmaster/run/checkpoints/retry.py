"""Repeats failed writes until the disk accepts them or the run is to exit."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from blobmaster.run.control.requests import Requests
from blobmaster.run.errors import WriteAbandonedError
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import SAVE_FAILED

RETRY_SECONDS = 2.0
LOOK_SECONDS = 0.1
"""Interval at which a waiting write checks whether the run was asked to exit."""

log = logging.getLogger(__name__)


class WriteRetry:
    """Repeats a write until it succeeds or the run is asked to exit. Thread-safe."""

    def __init__(
        self,
        publisher: StatusPublisher,
        requests: Requests,
        on_wait: Callable[[bool], None],
        check_held: Callable[[], None] = lambda: None,
        *,
        root: Path,
    ) -> None:
        """`on_wait(True)` is called when a wait starts and `on_wait(False)` when it ends.

        `check_held` is called before and after every try. It raises if the run directory is lost.
        """
        self._publisher = publisher
        self._requests = requests
        self._on_wait = on_wait
        self._root = root
        self._check_held = check_held
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> bool:
        """True while a write waits for the disk."""
        return self._waiting > 0

    def until_written(self, action: Callable[[], None], what: str) -> None:
        """Run `action` until it raises no OSError; `what` names its result in messages.

        Raises:
            WriteAbandonedError: the run was asked to exit while waiting.
            RunLostError: the run directory is no longer at its path.
            Exception: what `action` raises other than OSError.
        """
        error = self._try(action)
        if error is None:
            return
        self._report(error, what)  # before the state: who sees a run wait also sees for what
        self._enter()
        try:
            while error is not None:
                self._wait(what, error)
                error = self._try(action)
                if error is not None:
                    self._report(error, what)
        finally:
            self._leave()
        log.info("the %s was written; the run continues", what)

    def _try(self, action: Callable[[], None]) -> OSError | None:
        self._check_held()
        try:
            action()
        except OSError as error:
            self._check_held()  # a directory that is gone is no disk to wait for
            return error
        return None

    def _enter(self) -> None:
        with self._lock:
            self._waiting += 1
        self._on_wait(True)

    def _leave(self) -> None:
        with self._lock:
            self._waiting -= 1
            last = not self._waiting
        self._on_wait(False)
        if last:
            self._publisher.clear_alert(SAVE_FAILED)

    def _report(self, error: OSError, what: str) -> None:
        place = Path(error.filename).parent if isinstance(error.filename, str) else self._root
        reason = explain(error, place)
        message = f"cannot write the {what}: {reason}; the run waits and tries again by itself"
        if message not in {alert.message for alert in self._publisher.status.alerts}:
            log.error("%s", message)
            self._publisher.raise_alert(SAVE_FAILED, "error", message)

    def _wait(self, what: str, error: OSError) -> None:
        deadline = time.monotonic() + RETRY_SECONDS
        while time.monotonic() < deadline:
            if self._requests.pause:
                # PAUSE means after this iteration, but without space to commit it that is now.
                self._requests.should_stop.set()
                raise WriteAbandonedError(
                    f"the {what} was not written ({error.strerror}): asked to exit"
                )
            time.sleep(LOOK_SECONDS)
