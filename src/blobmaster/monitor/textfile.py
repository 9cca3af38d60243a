"""Keeps one file of gauges current for a textfile collector, and takes it away when it leaves.

A file that outlived its monitor would go on saying `running`. Only a monitor that is killed leaves
one, and `blobmaster_monitor_looked_at_seconds` tells its age.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType

from blobmaster.monitor.exposition import FIRST_LINE, exposition
from blobmaster.monitor.view import View
from blobmaster.run import atomic
from blobmaster.run.errors import StatusError, StatusMissingError
from blobmaster.run.status import read_regular

_LIMIT_BYTES = 16 << 20


def why_not(path: Path) -> str | None:
    """Why the file must not be written, in a line; a name mistyped must not cost a run its log."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; make it, or name another file"
    try:
        content = read_regular(path, _LIMIT_BYTES)
    except StatusMissingError:
        return None
    except StatusError as error:
        return str(error)
    if content and not content.startswith(FIRST_LINE.encode()):
        return f"{path} holds something else; name another file, or remove it"
    return None


def write(path: Path, views: Sequence[View]) -> None:
    """Replace the file whole. Raises OSError; the file is then as it was."""
    atomic.replace(path, exposition(views, time.time()).encode(), atomic.Sync.NOTHING)


def keep_current(path: Path, looks: Iterable[Sequence[View]]) -> None:
    """Write every look until a signal asks this process to leave; what cannot be written waits."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    told = False
    try:
        for views in looks:
            try:
                write(path, views)
            except OSError as error:
                if not told:
                    complaint = f"{unwritable(path, error)}; trying again at every look"
                    sys.stderr.write(f"blobmaster monitor: {complaint}\n")
                told = True
            else:
                told = False
    finally:
        path.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> str:
    """Why the file could not be written, in a line."""
    return f"cannot write {path}: {error.strerror}"


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
