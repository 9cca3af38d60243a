"""Keeps one file of gauges current for a textfile collector, and takes it away when it leaves.

A file that outlived its monitor would go on saying `running`. Only a monitor that is killed leaves
one, and `blobmaster_monitor_looked_at_seconds` tells its age.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from blobmaster.monitor.answers import complain
from blobmaster.monitor.leaving import leave_on_signals
from blobmaster.monitor.outfile import unwritable
from blobmaster.monitor.prometheus.exposition import exposition
from blobmaster.monitor.view import View
from blobmaster.run.files import atomic


def write(path: Path, views: Sequence[View]) -> None:
    """Replace the file whole. Raises OSError; the file is then as it was."""
    atomic.replace(path, exposition(views, time.time()).encode(), atomic.Sync.NOTHING)


def keep_current(path: Path, looks: Iterable[Sequence[View]]) -> None:
    """Write every look until a signal asks this process to leave; what cannot be written waits."""
    leave_on_signals()
    told = False
    try:
        for views in looks:
            try:
                write(path, views)
            except OSError as error:
                if not told:
                    complain("monitor", f"{unwritable(path, error)}; trying again at every look")
                told = True
            else:
                told = False
    finally:
        path.unlink(missing_ok=True)
