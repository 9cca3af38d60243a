"""Prepares a run directory: locks and repairs it, then makes room for the run that starts.

The status file may belong to an earlier run. It is set aside, not overwritten, and restored if the
session ends before a run has started (a mistyped path, Ctrl+C while libraries load).
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from blobmaster.run.checkpoints import archive
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import is_stale, take
from blobmaster.run.errors import RunDirectoryError, RunHeldError
from blobmaster.run.files import atomic, history
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.history import HistoryRow
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
            f"cannot create {layout.root}: "
            + explain(error, layout.root.parent, instead="name another folder")
        ) from None
    lock.acquire(command)
    try:
        _clean_up(layout, this_process().started_at)
        _set_status_aside(layout)
    except OSError as error:
        lock.release()
        raise RunDirectoryError(
            f"cannot write in {layout.root}: "
            + explain(error, layout.root, instead="name another folder")
        ) from None


def prepare_directory(
    layout: RunLayout,
    identity: RunIdentity,
    resumed: CheckpointMeta | None,
    resumed_path: Path | None = None,
) -> Path | None:
    """Move other runs and later checkpoints to the archive and reconcile history and blocks.

    It is idempotent: call it again after it failed halfway.

    Args:
        layout: the run directory.
        identity: the run that is to be trained in it.
        resumed: the checkpoint that it is resumed from; None for a fresh run.
        resumed_path: the checkpoint's file, if known: from elsewhere, as from the archive, it is
            followed by the history that lies beside it.

    Returns:
        The folder that an earlier run was moved to; None if the directory held none.

    Raises:
        OSError: the disk did not accept a write.
    """
    moved = None
    if resumed is None or archive.run_id_in(layout) not in (identity.run_id, None):
        moved = archive.archive_run(layout)
    if resumed is not None:
        beside = _rows_beside(layout, resumed, resumed_path)
        staying = _last_shared(layout, resumed, beside)
        archive.archive_later_checkpoints(layout, identity.run_id, staying)
        history.reconcile(
            layout.history, identity.run_id, resumed.iteration + 1, resumed.rows, beside.values()
        )
        InflightStore(layout).clear(before_iteration=resumed.iteration + 1)
        CheckpointStore(layout).prune(identity.checkpoint_name(resumed.iteration))
    atomic.discard(layout.earlier_status)
    return moved


def _rows_beside(
    layout: RunLayout, resumed: CheckpointMeta, path: Path | None
) -> dict[int, HistoryRow]:
    """Return the rows up to a checkpoint that is not in the run's own folders, by iteration."""
    if path is None or layout.is_own_checkpoint(path):
        return {}
    folder = path.parent.resolve()
    own = {row.iteration: row for row in resumed.rows}
    for place in (folder.parent, folder):
        rows = history.rows_of(place / layout.history.name, resumed.identity.run_id) | own
        if len(rows) > len(own):
            break
    return {number: row for number, row in rows.items() if number <= resumed.iteration + 1}


def _last_shared(
    layout: RunLayout, resumed: CheckpointMeta, beside: Mapping[int, HistoryRow]
) -> int:
    """Return the last iteration (0-based) that the directory's run has in common with a checkpoint.

    The directory may have gone another way since: resumed from iteration 5, its iterations 6 to 8
    are not those of a checkpoint of iteration 11 in the archive.
    """
    mine = history.rows_of(layout.history, resumed.identity.run_id)
    apart = [number for number, row in beside.items() if mine.get(number, row) != row]
    return min([resumed.iteration + 1, *(number - 1 for number in apart)]) - 1


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
    if archive.run_id_in(layout) != meta.identity.run_id:
        return  # and the directory may not even exist
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
    shared = (f"{layout.control.name}.", f"{layout.lock_holder.name}.")
    strays = atomic.remove_temporaries(
        layout.root,
        # Of the shared files, each writer has a temporary file of its own (`atomic.private_path`).
        lambda name: name in names_in_root or name.lstrip(".").startswith(shared),
    )
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
