"""Starts the monitor in the form that fits: a screen, a page, lines, JSON or gauges."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from blobmaster.monitor.answers import INTERRUPTED, refuse, say
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.outfile import unwritable, why_not
from blobmaster.monitor.prometheus import textfile
from blobmaster.monitor.prometheus.exposition import FIRST_LINE
from blobmaster.monitor.read.looking import looks, settled, sure_views, why_no_folder
from blobmaster.monitor.text import listing, plain
from blobmaster.monitor.view import View
from blobmaster.terminal.screen import can_draw

COMMAND: Final = "monitor"


def run_monitor(options: MonitorOptions) -> int:
    """Show a run until the person leaves (or once); returns the process's exit status."""
    try:
        return _show(settled(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left. What the interpreter still holds must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return plain.HEALTHY


def _show(options: MonitorOptions) -> int:
    if options.prometheus is not None and (reason := why_not(options.prometheus, FIRST_LINE)):
        return refuse(COMMAND, reason)
    is_once = options.once or (options.json and not options.plain)
    if (options.folders or not is_once) and (reason := why_no_folder(options)):
        return refuse(COMMAND, reason)
    if is_once:
        return _print_once(options)
    if options.prometheus is not None:
        textfile.keep_current(options.prometheus, _looks(options))
    if options.plain or not has_screen():
        return _print_changes(options)
    # Textual reads it when it is loaded. A key's frame is there in half the time of the usual 60;
    # a screen on which nothing moves is not drawn, so idling costs the same.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from blobmaster.monitor.screen.app import MonitorApp, run_screen  # Textual takes 150 ms to load
    from blobmaster.monitor.screen.runs_app import RunsApp

    return run_screen(RunsApp(options) if options.folders else MonitorApp(options))


def has_screen() -> bool:
    """Whether there is a terminal to draw on and a person who wants it drawn on."""
    return can_draw() and not os.environ.get("NO_COLOR")


def _print_once(options: MonitorOptions) -> int:
    shown = sure_views(options)
    if options.prometheus is not None:
        try:
            textfile.write(options.prometheus, shown)
        except OSError as error:
            return refuse(COMMAND, unwritable(options.prometheus, error))
    else:
        say(_pages(shown, options))
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
                say(_change(name if options.folders else "", run, options))
    return plain.HEALTHY


def _change(name: str, run: View, options: MonitorOptions) -> str:
    if options.json:
        return plain.as_json(run) + "\n"
    whose = f"{name}: " if name else ""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {whose}{plain.change_line(run)}\n"


def _looks(options: MonitorOptions) -> Iterator[Sequence[View]]:
    source = looks(options)
    while True:
        yield source.look()
        time.sleep(options.refresh_interval)
