"""Starts the monitor in the form that fits: a screen, a page, lines, JSON or gauges."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Final

from blobmaster.monitor import plain, textfile, words
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.source import Source
from blobmaster.monitor.view import View, view

SECOND_LOOK_S: Final = 25.0
"""Where only the file vouches for a run, a page waits so long to see it move. Two seconds do where
nothing is cached; sshfs shows an old copy for 20."""
_SECOND_LOOK_STEP_S: Final = 0.25
INTERRUPTED: Final = 130
BAD_INPUT: Final = 2


def run_monitor(options: MonitorOptions) -> int:
    """Show a run until the person leaves (or once); returns the process's exit status."""
    try:
        if options.prometheus is not None and (reason := textfile.why_not(options.prometheus)):
            return _refuse(reason)
        if options.once or (options.json and not options.plain):
            return _print_once(options)
        if not options.layout.root.is_dir():
            return _refuse(
                f"there is no folder {options.layout.root}; start a run, or name a run's folder "
                "with --checkpoint-dir"
            )
        if options.prometheus is not None:
            textfile.keep_current(options.prometheus, ([shown] for shown in _views(options)))
        if options.plain or not has_screen():
            return _print_changes(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left. What the interpreter still holds must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return plain.HEALTHY
    from blobmaster.monitor.app import run_screen  # Textual takes 150 ms to load

    return run_screen(options)


def has_screen() -> bool:
    """Whether there is a terminal to draw on and a person who wants it drawn on."""
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown") or os.environ.get("NO_COLOR"):
        return False
    # Textual draws on stderr and reads keys from stdin; a redirected stdout asks for text.
    return all(_is_terminal(number) for number in (0, 1, 2))


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _print_once(options: MonitorOptions) -> int:
    source = Source(options, recent_only=True, silence=SECOND_LOOK_S)
    shown = view(source.look(), options.status_file)
    deadline = time.monotonic() + SECOND_LOOK_S + 1
    while not shown.sure and time.monotonic() < deadline:
        time.sleep(_SECOND_LOOK_STEP_S)
        shown = view(source.look(), options.status_file)
    if options.prometheus is not None:
        try:
            textfile.write(options.prometheus, [shown])
        except OSError as error:
            return _refuse(textfile.unwritable(options.prometheus, error))
    else:
        _print(plain.as_json(shown) + "\n" if options.json else plain.page(shown))
    return plain.exit_status(shown)


def _print_changes(options: MonitorOptions) -> int:
    said: tuple[object, ...] | None = None
    for shown in _views(options):
        key = plain.change_key(shown)
        if key != said:
            said = key
            line = plain.as_json(shown) if options.json else plain.change_line(shown)
            stamp = "" if options.json else time.strftime("%Y-%m-%d %H:%M:%S  ")
            _print(f"{stamp}{line}\n")
    return plain.HEALTHY


def _views(options: MonitorOptions) -> Iterator[View]:
    source = Source(options, recent_only=True)
    while True:
        yield view(source.look(), options.status_file)
        time.sleep(options.refresh_interval)


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
