"""Notices when a run's directory or lock is gone, and ends the run before it writes elsewhere."""

import threading
from collections.abc import Callable

from blobmaster.run.control.lock import Loss, RunLock
from blobmaster.run.errors import RunLostError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.publisher import StatusPublisher

LOST = "lost"
"""Kind of the alert for a run directory or a lock that is no longer at its path."""


class LossWatch:
    """Looks whether the run still holds its directory. Thread-safe."""

    def __init__(
        self, lock: RunLock, publisher: StatusPublisher, fail: Callable[[str], None]
    ) -> None:
        """Args:
        lock: held by the run.
        publisher: shows the alert.
        fail: ends the run with an error; called once, when something is found to be lost.
        """
        self._lock = lock
        self._publisher = publisher
        self._fail = fail
        self._guard = threading.Lock()
        self._loss: Loss | None = None

    @property
    def is_lost(self) -> bool:
        """True once something was found to be lost."""
        return self._loss is not None

    def holds(self) -> bool:
        """Look again; return True if directory and lock are at their paths."""
        return self._find() is None

    def check(self) -> None:
        """Look again.

        Raises:
            RunLostError: the directory or the lock is no longer at its path.
        """
        if (loss := self._find()) is not None:
            raise RunLostError(loss.message)

    def _find(self) -> Loss | None:
        """Return what was lost, and fail the run when it is first found."""
        with self._guard:
            if self._loss is None and (loss := self._lock.loss()) is not None:
                self._loss = loss
                if loss.directory:
                    # The status goes with the directory. At the old path there may be another run.
                    self._publisher.relocate(RunLayout(self._lock.held_root))
                self._publisher.raise_alert(LOST, "error", loss.message)
                self._fail(loss.message)
            return self._loss
