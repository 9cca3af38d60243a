"""Starts the monitor in the requested form: a screen, a page, lines, JSON, gauges or a server."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from blobmaster.monitor.options import MonitorOptions, ServeOptions
from blobmaster.monitor.output import INTERRUPTED, refuse, report_error, write_out
from blobmaster.monitor.read.readers import (
    confirmed_views,
    folder_problem,
    make_reader,
    missing_folders,
    resolve_folder,
)
from blobmaster.monitor.text import plain
from blobmaster.monitor.view import View
from blobmaster.terminal.output import reader_left

COMMAND: Final = "monitor"


def run_monitor(options: MonitorOptions) -> int:
    """Show a run until the user quits, or once; returns the process's exit status."""
    try:
        return _show(resolve_folder(options), is_named=bool(options.folders))
    except KeyboardInterrupt:
        return INTERRUPTED


def _show(options: MonitorOptions, *, is_named: bool) -> int:
    is_once = options.once or (options.json and not options.plain)
    problem = None
    if options.prometheus is not None:
        problem = _output_problem(options.prometheus)
    prints = is_once or options.plain or options.serve is not None or options.prometheus is not None
    # A screen of the run directory opens first, and says what it cannot read: looking may take for
    # ever on a file system that hangs. The folders of DIR have been looked at already.
    if problem is None and (is_named or prints or not has_screen()):
        problem = folder_problem(options)
    if problem is not None:
        return refuse(COMMAND, problem)
    if options.serve is not None:
        _tell_missing(options)
        return _run_server(options, options.serve)
    if options.prometheus is not None:
        if not is_once:
            _tell_missing(options)
        return _write_gauges(options.prometheus, options, is_once=is_once)
    if is_once:
        views = confirmed_views(options)
        write_out(_pages(views, options))
        return _exit_status(views)
    if prints or not has_screen():
        return _print_changes(options)
    return _run_screen(options)


def _tell_missing(options: MonitorOptions) -> None:
    """Say what is waited for, where this terminal shows no run: a name may be mistyped."""
    for folder in missing_folders(options):
        report_error(COMMAND, f"waiting for a run in {folder}, which is not there yet")


# Imports inside functions keep `--once` fast: it needs none of what they load.


def _output_problem(path: Path) -> str | None:
    from blobmaster.monitor.prometheus.exposition import FIRST_LINE
    from blobmaster.run.files.output_file import output_problem

    return output_problem(path, FIRST_LINE)


def _write_gauges(path: Path, options: MonitorOptions, *, is_once: bool) -> int:
    from blobmaster.monitor.prometheus import textfile
    from blobmaster.run.files.output_file import write_problem

    if not is_once:
        textfile.keep_current(path, _readings(options))
        return plain.HEALTHY
    views = confirmed_views(options)
    try:
        textfile.write(path, views)
    except OSError as error:
        return refuse(COMMAND, write_problem(path, error))
    return _exit_status(views)


def _run_server(options: MonitorOptions, serving: ServeOptions) -> int:
    from blobmaster.monitor.serve.command import run_server

    return run_server(options, serving)


def _run_screen(options: MonitorOptions) -> int:
    # Textual reads this when it is loaded. At 120 frames a second a key shows in half the time of
    # the usual 60. An unchanged screen is not drawn, so idling costs the same.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from blobmaster.monitor.screen.app import MonitorApp, run_screen
    from blobmaster.monitor.screen.runs_app import RunsApp

    return run_screen(RunsApp(options) if options.folders else MonitorApp(options))


def has_screen() -> bool:
    """Return True if there is a terminal to draw on and the user has not disabled colours."""
    from blobmaster.terminal.screen import can_draw

    return can_draw() and not os.environ.get("NO_COLOR")


def _exit_status(views: Sequence[View]) -> int:
    return max(plain.exit_status(run) for run in views)


def _pages(views: Sequence[View], options: MonitorOptions) -> str:
    if options.json:
        objects = [plain.as_json(run) for run in views]
        return (f"[{','.join(objects)}]" if options.folders else objects[0]) + "\n"
    if not options.folders:
        return plain.page(views[0])
    from blobmaster.monitor.text import listing

    return listing.page(views)


def _print_changes(options: MonitorOptions) -> int:
    from blobmaster.monitor.text import listing

    printed: dict[str, tuple[object, ...]] = {}
    for views in _readings(options):
        for name, run in zip(listing.names(views), views, strict=True):
            key = plain.change_key(run)
            if printed.get(run.source) != key:
                printed[run.source] = key
                write_out(_change(name if options.folders else "", run, options))
        if reader_left(sys.stdout):  # as with `| head -1`: nobody would see the next change
            break
    return plain.HEALTHY


def _change(name: str, run: View, options: MonitorOptions) -> str:
    if options.json:
        return plain.as_json(run) + "\n"
    prefix = f"{name}: " if name else ""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {prefix}{plain.change_line(run)}\n"


def _readings(options: MonitorOptions) -> Iterator[Sequence[View]]:
    reader = make_reader(options)
    while True:
        yield reader.read()
        time.sleep(options.refresh_interval)
