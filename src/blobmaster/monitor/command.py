"""Starts the monitor in the form that fits: a screen, a page, lines, JSON or gauges."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from blobmaster.monitor import listing, plain, textfile, words
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.runs import Runs, find_runs, run_options
from blobmaster.monitor.source import Source
from blobmaster.monitor.view import View, view
from blobmaster.terminal import can_draw

SECOND_LOOK_S: Final = 25.0
"""Where only the file vouches for a run, a page waits so long to see it move. Two seconds do where
nothing is cached; sshfs shows an old copy for 20."""
_SECOND_LOOK_STEP_S: Final = 0.25
INTERRUPTED: Final = 130
BAD_INPUT: Final = 2


def run_monitor(options: MonitorOptions) -> int:
    """Show a run until the person leaves (or once); returns the process's exit status."""
    try:
        return _show(_settled(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left. What the interpreter still holds must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return plain.HEALTHY


def _settled(options: MonitorOptions) -> MonitorOptions:
    """One folder that is a run's own, or holds none yet, is shown as that run and not as a list."""
    if len(options.folders) == 1 and find_runs(options.folders) == options.folders:
        return replace(run_options(options, options.folders[0]), folders=())
    return options


def _show(options: MonitorOptions) -> int:
    if options.prometheus is not None and (reason := textfile.why_not(options.prometheus)):
        return _refuse(reason)
    missing = [folder for folder in options.folders if not folder.is_dir()]
    if missing:
        return _refuse(f"there is no folder {missing[0]}; name folders of runs")
    if options.once or (options.json and not options.plain):
        return _print_once(options)
    if not options.folders and not options.layout.root.is_dir():
        return _refuse(
            f"there is no folder {options.layout.root}; start a run, or name a run's folder "
            "with --checkpoint-dir"
        )
    if options.prometheus is not None:
        textfile.keep_current(options.prometheus, _looks(options))
    if options.plain or not has_screen():
        return _print_changes(options)
    from blobmaster.monitor.app import MonitorApp, run_screen  # Textual takes 150 ms to load
    from blobmaster.monitor.runs_app import RunsApp

    return run_screen(RunsApp(options) if options.folders else MonitorApp(options))


def has_screen() -> bool:
    """Whether there is a terminal to draw on and a person who wants it drawn on."""
    return can_draw() and not os.environ.get("NO_COLOR")


def _print_once(options: MonitorOptions) -> int:
    look = _looker(options, silence=SECOND_LOOK_S)
    shown = look()
    deadline = time.monotonic() + SECOND_LOOK_S + 1
    while not all(run.sure for run in shown) and time.monotonic() < deadline:
        time.sleep(_SECOND_LOOK_STEP_S)
        shown = look()
    if options.prometheus is not None:
        try:
            textfile.write(options.prometheus, shown)
        except OSError as error:
            return _refuse(textfile.unwritable(options.prometheus, error))
    else:
        _print(_pages(shown, options))
    return max(plain.exit_status(run) for run in shown)


def _pages(shown: Sequence[View], options: MonitorOptions) -> str:
    if options.json:
        objects = [plain.as_json(run) for run in shown]
        return (f"[{','.join(objects)}]" if options.folders else objects[0]) + "\n"
    return listing.page(shown) if options.folders else plain.page(shown[0])


def _print_changes(options: MonitorOptions) -> int:
    said: dict[str, tuple[object, ...]] = {}
    for shown in _looks(options):
        for name, run in zip(listing.names(shown), shown, strict=True):
            key = plain.change_key(run)
            if said.get(run.source) != key:
                said[run.source] = key
                _print(_change(name if options.folders else "", run, options))
    return plain.HEALTHY


def _change(name: str, run: View, options: MonitorOptions) -> str:
    if options.json:
        return plain.as_json(run) + "\n"
    whose = f"{name}: " if name else ""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {whose}{plain.change_line(run)}\n"


def _looks(options: MonitorOptions) -> Iterator[Sequence[View]]:
    look = _looker(options)
    while True:
        yield look()
        time.sleep(options.refresh_interval)


def _looker(options: MonitorOptions, silence: float | None = None) -> Callable[[], Sequence[View]]:
    """What looks once at the run, or at all of them, and returns their views."""
    if options.folders:
        return Runs(options, extent="recent", silence=silence).look
    source = Source(options, extent="recent", silence=silence)
    return lambda: (view(source.look(), options.status_file),)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"blobmaster monitor: {reason}\n")
    return BAD_INPUT


def _print(text: str) -> None:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = words.to_ascii(text)
    sys.stdout.write(text)
    sys.stdout.flush()
