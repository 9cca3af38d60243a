"""Commits snapshots in a thread: the loop is held for the copy alone, not for the disk."""

import errno
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

import psutil

from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError, GivenUpError
from blobmaster.run.files import history
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.retry import Patience
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import LastCheckpoint

log = logging.getLogger(__name__)


class Commits:
    """One commit at a time: the checkpoint first, then what follows from it."""

    def __init__(
        self,
        layout: RunLayout,
        publisher: StatusPublisher,
        patience: Patience,
        inflight: InflightStore,
    ) -> None:
        self._layout = layout
        self._publisher = publisher
        self._patience = patience
        self._inflight = inflight
        self._store = CheckpointStore(layout)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="blobmaster-saver")
        self._pending: Future[None] | None = None
        self._expected_bytes = 0

    def submit(
        self, meta: CheckpointMeta, write: Callable[[BinaryIO], None], *, permanent: bool
    ) -> None:
        """Begin a commit; the one before must be settled."""
        self._pending = self._thread.submit(self._commit, meta, write, permanent)

    def settle(self) -> bool:
        """Wait for the commit in progress; False if it was given up, since the run is to leave.

        Raises: whatever the checkpoint's writer raised.
        """
        if self._pending is None:
            return True
        try:
            self._pending.result()
        except GivenUpError as given_up:
            log.warning("%s", given_up)
            return False
        return True

    def close(self) -> None:
        """Wait for the commit in progress, whatever becomes of it, and end the thread."""
        self._thread.shutdown(wait=True)

    def _commit(
        self, meta: CheckpointMeta, write: Callable[[BinaryIO], None], permanent: bool
    ) -> None:
        number = meta.iteration + 1
        path = self._store.path_of(meta, permanent=permanent)

        def save() -> None:
            self._check_room()
            self._expected_bytes = self._store.save(path, meta, write)

        self._patience.insist(save, f"checkpoint of iteration {number}")
        self._patience.insist(
            lambda: history.append_rows(self._layout.history, meta.rows),
            f"history of iteration {number}",
        )
        self._publisher.put(last_checkpoint=last_committed(self._store))
        self._tidy(meta, permanent)

    def _check_room(self) -> None:
        """A save that cannot end is not begun: what it would fill may be room for the status."""
        if psutil.disk_usage(str(self._layout.root)).free < self._expected_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _tidy(self, meta: CheckpointMeta, permanent: bool) -> None:
        try:
            self._inflight.clear(before_iteration=meta.iteration + 1)
        except OSError as error:
            log.warning("cannot clear %s: %s", self._layout.inflight, error.strerror)
        self._store.prune(self._store.name_of(meta, permanent=permanent))


def last_committed(store: CheckpointStore) -> LastCheckpoint | None:
    """What the status says of the newest checkpoint; None while there is none."""
    for entry in reversed(store.entries()):
        try:
            meta, found = entry.meta(), entry.path.stat()
        except (CheckpointError, OSError):
            continue
        return LastCheckpoint(
            name=entry.path.name,
            path=f"{entry.path.parent.name}/{entry.path.name}",
            iteration=meta.iteration + 1,
            bytes=found.st_size,
            saved_at=meta.saved_at,
            permanent=entry.permanent,
        )
    return None
