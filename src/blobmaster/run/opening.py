"""What a session does to a directory when it takes it, and when it knows which run it will be.

The status file may belong to an earlier run: it is set aside, not overwritten, and comes back if
the session ends before it has begun (a mistyped path, an impatient Ctrl+C while libraries load).
"""

import logging
from pathlib import Path

from blobmaster.run.checkpoints import archive
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.control.lock import RunLock
from blobmaster.run.control.process import this_process
from blobmaster.run.control.requests import is_stale, take
from blobmaster.run.errors import RunDirectoryError
from blobmaster.run.files import atomic, history
from blobmaster.run.files.inflight import InflightStore
from blobmaster.run.files.layout import CheckpointName, RunLayout

log = logging.getLogger(__name__)


def take_directory(layout: RunLayout, lock: RunLock, command: str) -> None:
    """Make the directory, lock it, and repair what a session that died left half done.

    Raises: RunHeldError, RunDirectoryError; the lock is then not held.
    """
    try:
        atomic.make_folder(layout.root)
    except OSError as error:
        raise RunDirectoryError(f"cannot make {layout.root}: {error.strerror}") from None
    lock.acquire(command)
    try:
        _clean_up(layout, this_process().started_at)
        _set_status_aside(layout)
    except OSError as error:
        lock.release()
        raise RunDirectoryError(f"cannot write in {layout.root}: {error.strerror}") from None


def make_way(
    layout: RunLayout, identity: RunIdentity, resumed: CheckpointMeta | None
) -> Path | None:
    """Make the directory this run's, up to the resumed checkpoint; returns where another went.

    May be repeated after it failed halfway.

    Raises: OSError.
    """
    moved = None
    if resumed is None or archive.held_run(layout) not in (identity.run_id, None):
        moved = archive.move_run_aside(layout)
    if resumed is not None:
        archive.move_later_aside(layout, resumed)
        history.reconcile(layout.history, identity.run_id, resumed.iteration + 1, resumed.rows)
        InflightStore(layout).clear(before_iteration=resumed.iteration + 1)
        CheckpointStore(layout).prune(identity.checkpoint_name(resumed.iteration))
    atomic.discard(layout.earlier_status)
    return moved


def take_status_back(layout: RunLayout) -> None:
    """Bring back the status that `take_directory` set aside: this session began no run.

    Raises: OSError.
    """
    if layout.earlier_status.exists():
        atomic.move(layout.earlier_status, layout.status)
    else:
        atomic.discard(layout.status)


def _clean_up(layout: RunLayout, process_started_at: float) -> None:
    names_in_root = {path.name for path in layout.single_files}
    strays = atomic.sweep(layout.root, names_in_root.__contains__)
    for folder in (layout.permanent, layout.cache):
        strays += atomic.sweep(folder, lambda name: CheckpointName.parse(name) is not None)
    for stray in strays:
        log.info("removed the unfinished %s of a session that died", stray)
    atomic.discard(layout.control_taken)
    archive.finish_moving(layout)
    if not is_stale(layout.control, process_started_at):
        return
    taken = take(layout.control, layout.control_taken)
    if taken is not None:
        log.warning("removed a stale %s from before the start: %s", layout.control.name, taken.text)


def _set_status_aside(layout: RunLayout) -> None:
    """One that was set aside by a session that died before it began is the real one."""
    if layout.status.exists() and not layout.earlier_status.exists():
        atomic.move(layout.status, layout.earlier_status)
