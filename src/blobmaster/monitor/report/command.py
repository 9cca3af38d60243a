"""`blobmaster report`: looks at a run once and writes what it saw as one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from blobmaster.monitor.answers import INTERRUPTED, refuse, say
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.outfile import unwritable, why_not
from blobmaster.monitor.read.looking import settled, sure_views, why_no_folder
from blobmaster.monitor.read.runs import find_runs
from blobmaster.monitor.report.content import gather
from blobmaster.monitor.report.page import FIRST_LINES, page
from blobmaster.monitor.text import words
from blobmaster.run.files import atomic

COMMAND: Final = "report"


def run_report(options: MonitorOptions, output: Path) -> int:
    """Write the report of a run; returns the process's exit status."""
    try:
        return _report(settled(options), output)
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(options: MonitorOptions, output: Path) -> int:
    reason = why_no_folder(options) or _why_not_one(options) or why_not(output, FIRST_LINES)
    if reason is not None:
        return refuse(COMMAND, reason)
    (seen,) = sure_views(options)
    made = page(gather(options, seen, time.time())).encode()
    try:
        atomic.replace(output, made)
    except OSError as error:
        return refuse(COMMAND, unwritable(output, error))
    say(f"{output}: {words.size(len(made))}\n")
    return 0


def _why_not_one(options: MonitorOptions) -> str | None:
    if not options.folders:
        return None
    runs = find_runs(options.folders)
    return f"a report is of one run, and there are {len(runs)} here; name one, such as {runs[0]}"
