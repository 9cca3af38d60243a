"""Keeps a file of gauges current for a textfile collector, and deletes it at the end.

A file that outlives its monitor would keep saying `running`. Only a killed monitor leaves one, and
`blobmaster_monitor_looked_at_seconds` tells its age.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from blobmaster.monitor.exit_signals import exit_on_signals
from blobmaster.monitor.output import report_error
from blobmaster.monitor.prometheus.exposition import exposition
from blobmaster.monitor.view import View
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import write_problem


def write(path: Path, views: Sequence[View]) -> None:
    """Replace the file atomically.

    Raises:
        OSError: the disk did not accept it; the file is unchanged.
    """
    atomic.replace(path, exposition(views, time.time()).encode(), atomic.Sync.NOTHING)


def keep_current(path: Path, looks: Iterable[Sequence[View]]) -> None:
    """Write every reading until a signal ends the process; failed writes are tried again."""
    exit_on_signals()
    is_reported = False
    try:
        for views in looks:
            try:
                write(path, views)
            except OSError as error:
                if not is_reported:
                    report_error(
                        "monitor", f"{write_problem(path, error)}; trying again at every look"
                    )
                is_reported = True
            else:
                is_reported = False
    finally:
        path.unlink(missing_ok=True)
