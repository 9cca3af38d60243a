"""Prepares a run directory: locks and repairs it, then makes room for the run that starts.

The status file may belong to an earlier run. It is set aside, not overwritten, and restored if the
session ends before a run has started (a mistyped path, Ctrl+C while libraries load).
"""

import logging
from pathlib import Path

from blobmaster.run.checkpoints import archive
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import is_stale, take
from blobmaster.run.errors import RunDirectoryError, RunHeldError
from blobmaster.run.files import atomic, history
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import CheckpointName, RunLayout

log = logging.getLogger(__name__)


def acquire_directory(layout: RunLayout, lock: RunLock, command: str) -> None:
    """Create and lock the directory, and repair what a crashed session left half done.

    Raises:
        RunHeldError: another trainer holds the directory.
        RunDirectoryError: it cannot be created or written. The lock is released.
    """
    try:
        atomic.make_folder(layout.root)
    except OSError as error:
        raise RunDirectoryError(
            f"cannot create {layout.root}: {explain(error, layout.root.parent)}"
        ) from None
    lock.acquire(command)
    try:
        _clean_up(layout, this_process().started_at)
        _set_status_aside(layout)
    except OSError as error:
        lock.release()
        raise RunDirectoryError(
            f"cannot write in {layout.root}: {explain(error, layout.root)}"
        ) from None


def prepare_directory(
    layout: RunLayout, identity: RunIdentity, resumed: CheckpointMeta | None
) -> Path | None:
    """Move other runs and later checkpoints to the archive and reconcile history and blocks.

    It is idempotent: call it again after it failed halfway.

    Returns:
        The folder that an earlier run was moved to; None if the directory held none.

    Raises:
        OSError: the disk did not accept a write.
    """
    moved = None
    if resumed is None or archive.run_id_in(layout) not in (identity.run_id, None):
        moved = archive.archive_run(layout)
    if resumed is not None:
        archive.archive_later_checkpoints(layout, resumed)
        history.reconcile(layout.history, identity.run_id, resumed.iteration + 1, resumed.rows)
        InflightStore(layout).clear(before_iteration=resumed.iteration + 1)
        CheckpointStore(layout).prune(identity.checkpoint_name(resumed.iteration))
    atomic.discard(layout.earlier_status)
    return moved


def complete_history(layout: RunLayout, meta: CheckpointMeta, command: str) -> None:
    """Write the rows that a finished run's history lacks, as its last session could not.

    Does nothing if the directory holds another run, or if a trainer holds it.

    Raises:
        OSError: the history cannot be written.
        RunDirectoryError: the directory cannot be locked.
    """
    held = {row.iteration for row in history.read_rows(layout.history).rows}
    if all(row.iteration in held for row in meta.rows):
        return
    lock = RunLock(layout)
    try:
        lock.acquire(command)
    except RunHeldError:
        return
    try:
        if archive.run_id_in(layout) == meta.identity.run_id:
            history.reconcile(layout.history, meta.identity.run_id, meta.iteration + 1, meta.rows)
    finally:
        lock.release()


def restore_status(layout: RunLayout) -> None:
    """Restore the status that `acquire_directory` set aside, as this session started no run.

    Raises:
        OSError: the file cannot be moved.
    """
    if layout.earlier_status.exists():
        atomic.move(layout.earlier_status, layout.status)
    else:
        atomic.discard(layout.status)


def _clean_up(layout: RunLayout, process_started_at: float) -> None:
    names_in_root = {path.name for path in layout.single_files}
    strays = atomic.remove_temporaries(layout.root, names_in_root.__contains__)
    for folder in (layout.permanent, layout.cache):
        strays += atomic.remove_temporaries(
            folder, lambda name: CheckpointName.parse(name) is not None
        )
    for stray in strays:
        log.info("removed %s, left unfinished by a crashed session", stray)
    atomic.discard(layout.control_taken)
    archive.finish_moves(layout)
    if not is_stale(layout.control, process_started_at):
        return
    try:
        taken = take(layout.control, layout.control_taken)
    except OSError as error:
        # Nobody obeys what cannot be taken, so it need not keep the run from starting.
        log.warning("cannot remove the stale %s: %s", layout.control, explain(error, layout.root))
        return
    if taken is not None:
        log.warning("removed a stale %s from before the start: %s", layout.control.name, taken.text)


def _set_status_aside(layout: RunLayout) -> None:
    # A session that crashed before its run started has left the real status set aside; the one in
    # place is then that session's own and must not replace it.
    if layout.status.exists() and not layout.earlier_status.exists():
        atomic.move(layout.status, layout.earlier_status)
