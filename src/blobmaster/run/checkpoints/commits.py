"""Commits snapshots in a thread: the loop waits for the copy in memory, not for the disk."""

import errno
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import psutil

from blobmaster.run.checkpoints.retry import WriteRetry
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError, WriteAbandonedError
from blobmaster.run.files import history
from blobmaster.run.files.history import HistoryRow
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import LastCheckpoint

log = logging.getLogger(__name__)


class Commits:
    """Writes one commit at a time: checkpoint, history rows, status, then the clean-up.

    The order makes a crash at any point safe: the checkpoint carries the history rows that the file
    may lack, and old blocks and checkpoints are only deleted after the new checkpoint is on disk.
    """

    def __init__(
        self,
        layout: RunLayout,
        publisher: StatusPublisher,
        retry: WriteRetry,
        inflight: InflightStore,
    ) -> None:
        self._layout = layout
        self._publisher = publisher
        self._retry = retry
        self._inflight = inflight
        self._store = CheckpointStore(layout)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="blobmaster-saver")
        self._pending: Future[None] | None = None
        self._expected_bytes = 0

    def submit(
        self,
        meta: CheckpointMeta,
        write: Callable[[BinaryIO], None],
        *,
        permanent: bool,
        rows_written: Callable[[Sequence[HistoryRow]], None] = lambda _: None,
    ) -> None:
        """Start a commit; the previous one must have ended.

        `rows_written` is called when the history file holds the commit's rows.
        """
        self._pending = self._thread.submit(self._commit, meta, write, permanent, rows_written)

    def wait(self) -> bool:
        """Wait for the commit in progress; returns False if it was abandoned to exit.

        Raises:
            Exception: what the checkpoint's writer raised.
        """
        if self._pending is None:
            return True
        try:
            self._pending.result()
        except WriteAbandonedError as abandoned:
            log.warning("%s", abandoned)
            return False
        return True

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the last commit; None if it goes on, succeeded or was abandoned."""
        if self._pending is None or not self._pending.done():
            return None
        error = self._pending.exception()
        return None if isinstance(error, WriteAbandonedError) else error

    def close(self) -> None:
        """Wait for the commit in progress, ignoring its outcome, and end the thread."""
        self._thread.shutdown(wait=True)

    def _commit(
        self,
        meta: CheckpointMeta,
        write: Callable[[BinaryIO], None],
        permanent: bool,
        rows_written: Callable[[Sequence[HistoryRow]], None],
    ) -> None:
        number = meta.iteration + 1
        path = self._store.path_of(meta, permanent=permanent)

        def save() -> None:
            self._check_room(path.parent)
            self._expected_bytes = self._store.save(path, meta, write)

        self._retry.until_written(save, f"checkpoint of iteration {number}")
        self._retry.until_written(
            lambda: history.append_rows(self._layout.history, meta.rows),
            f"history of iteration {number}",
        )
        rows_written(meta.rows)
        self._publisher.update(last_checkpoint=last_committed(self._store))
        self._tidy(meta, permanent)

    def _check_room(self, folder: Path) -> None:
        """Fail early when there is no room: a partial file could block status.json."""
        # The folder may be on another filesystem than the run directory.
        place = folder if folder.is_dir() else self._layout.root
        if psutil.disk_usage(str(place)).free < self._expected_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _tidy(self, meta: CheckpointMeta, permanent: bool) -> None:
        try:
            self._inflight.clear(before_iteration=meta.iteration + 1)
        except OSError as error:
            log.warning("cannot clear %s: %s", self._layout.inflight, error.strerror)
        self._store.prune(self._store.name_of(meta, permanent=permanent))


def last_committed(store: CheckpointStore) -> LastCheckpoint | None:
    """Return the status entry of the newest readable checkpoint, None if there is none."""
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
