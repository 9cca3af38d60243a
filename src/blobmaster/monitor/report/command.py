"""`blobmaster report`: reads a run once and writes a report of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.output import INTERRUPTED, refuse, write_out
from blobmaster.monitor.read.readers import (
    confirmed_views,
    folder_problem,
    missing_folders,
    resolve_folder,
)
from blobmaster.monitor.read.runs import find_runs
from blobmaster.monitor.report.content import gather
from blobmaster.monitor.report.page import FIRST_LINES, page
from blobmaster.monitor.text import fmt
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import output_problem, write_problem

COMMAND: Final = "report"


def run_report(options: MonitorOptions, output: Path) -> int:
    """Write the report of a run; returns the process's exit status."""
    try:
        return _report(resolve_folder(options), output)
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(options: MonitorOptions, output: Path) -> int:
    reason = (
        folder_problem(options)
        or _why_not_there(options)
        or _why_not_one(options)
        or output_problem(output, FIRST_LINES)
    )
    if reason is not None:
        return refuse(COMMAND, reason)
    (seen,) = confirmed_views(options)
    made = page(gather(options, seen, time.time())).encode()
    try:
        atomic.replace(output, made)
    except OSError as error:
        return refuse(COMMAND, write_problem(output, error))
    write_out(f"{output}: {fmt.size(len(made))}\n")
    return 0


def _why_not_there(options: MonitorOptions) -> str | None:
    missing = missing_folders(options)
    return f"there is no folder {missing[0]}; name the folder of a run" if missing else None


def _why_not_one(options: MonitorOptions) -> str | None:
    if not options.folders:
        return None
    runs = find_runs(options.folders)
    return f"a report is of one run, and there are {len(runs)} here; name one, such as {runs[0]}"
