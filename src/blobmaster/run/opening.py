"""What a session does to a directory when it takes it and before it knows which run it will be.

The status file may belong to an earlier run: it is set aside, not overwritten, and comes back if
the session ends before it has begun (a mistyped path, an impatient Ctrl+C while libraries load).
"""

import logging

from blobmaster.run import archive, atomic
from blobmaster.run.control import is_stale, take
from blobmaster.run.layout import CheckpointName, RunLayout

log = logging.getLogger(__name__)


def clean_up(layout: RunLayout, process_started_at: float) -> None:
    """Finish or remove what a process that died left half done. For the lock's holder alone.

    Raises: OSError.
    """
    names_in_root = {path.name for path in layout.single_files}
    strays = atomic.sweep(layout.root, names_in_root.__contains__)
    for folder in (layout.permanent, layout.cache):
        strays += atomic.sweep(folder, lambda name: CheckpointName.parse(name) is not None)
    for stray in strays:
        log.info("removed the unfinished %s of a session that died", stray)
    archive.finish_moving(layout)
    if is_stale(layout.control, process_started_at) and (taken := take(layout.control)):
        log.warning("removed a stale %s from before the start: %s", layout.control.name, taken.text)


def set_status_aside(layout: RunLayout) -> None:
    """Keep the earlier status; one that was set aside by a session that died is the real one.

    Raises: OSError.
    """
    if layout.status.exists() and not layout.earlier_status.exists():
        atomic.move(layout.status, layout.earlier_status)


def take_status_back(layout: RunLayout) -> None:
    """Undo `set_status_aside`: this session began no run.

    Raises: OSError.
    """
    if layout.earlier_status.exists():
        atomic.move(layout.earlier_status, layout.status)
    else:
        atomic.discard(layout.status)
