"""Which run or runs a command is about, and looks at all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.poller import Looks
from blobmaster.monitor.read.runs import OneRun, Runs, find_runs, run_options
from blobmaster.monitor.view import View

SECOND_LOOK_S: Final = 25.0
"""Where only the file vouches for a run, a page waits so long to see it move. Two seconds do where
nothing is cached; sshfs shows an old copy for 20."""
_SECOND_LOOK_STEP_S: Final = 0.25


def settled(options: MonitorOptions) -> MonitorOptions:
    """One folder that is a run's own, or holds none yet, is shown as that run and not as a list."""
    if len(options.folders) == 1 and find_runs(options.folders) == options.folders:
        return replace(run_options(options, options.folders[0]), folders=())
    return options


def why_no_folder(options: MonitorOptions) -> str | None:
    """Why there is nothing to watch, in a line."""
    missing = [folder for folder in options.folders if not folder.is_dir()]
    if missing:
        return f"there is no folder {missing[0]}; name folders of runs"
    if not options.folders and not options.layout.root.is_dir():
        return (
            f"there is no folder {options.layout.root}; start a run, or name a run's folder "
            "with --checkpoint-dir"
        )
    return None


def looks(options: MonitorOptions, silence: float | None = None) -> Looks[tuple[View, ...]]:
    """What looks at the run, or at all of them, and finds their views.

    `silence` as for a `Source`.
    """
    kind = Runs if options.folders else OneRun
    return kind(options, extent="recent", silence=silence)


def sure_views(options: MonitorOptions) -> Sequence[View]:
    """The views of one look; where a remote run is to be seen moving first, of a later one."""
    source = looks(options, SECOND_LOOK_S)
    shown = source.look()
    deadline = time.monotonic() + SECOND_LOOK_S + 1
    while not all(run.sure for run in shown) and time.monotonic() < deadline:
        time.sleep(_SECOND_LOOK_STEP_S)
        shown = source.look()
    return shown
