"""Terminal support for full-screen programs: capabilities, signals and restoring its settings."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Final

STDIN: Final = 0
STDERR: Final = 2
EXIT_TIMEOUT_S: Final = 1.5
"""Time for an orderly exit after a signal, before the process ends itself."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

# Escape sequences (xterm control sequences, kitty keyboard protocol): mouse, focus, paste and
# resize reports off, keyboard mode popped, line wrap on, primary screen, cursor shown.
_RESET: Final = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l"
    b"\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h"
)


def can_draw() -> bool:
    """Return True if this process has a terminal to draw a screen on and to read keys from."""
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    # Textual draws on stderr and reads keys from stdin; a redirected stdout means text output.
    return all(_is_terminal(number) for number in (STDIN, 1, STDERR))


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def shows_unicode(environment: Mapping[str, str] = os.environ) -> bool:
    """Return True if the terminal shows Unicode: unless the locale names another encoding."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environment.get(name, "")
        if value:
            return "utf" in value.lower()
    return True


@contextlib.contextmanager
def guarded_terminal(leave: Callable[[int], None]) -> Iterator[None]:
    """Call `leave(exit_status)` in the main thread when a signal asks this process to end.

    If the orderly exit takes longer than `EXIT_TIMEOUT_S`, as a frozen or closed terminal blocks
    every write to it, the terminal's settings are restored and the process ends at once. So it does
    when the terminal hangs up without a signal, as under nohup.
    """
    # Some shells export these two. They would override the terminal's size after each resize.
    for stale in ("COLUMNS", "LINES"):
        os.environ.pop(stale, None)
    settings = termios.tcgetattr(STDIN)

    def on_signal(number: int, _: FrameType | None) -> None:
        status = 128 + number
        last_resort = threading.Timer(EXIT_TIMEOUT_S, _end_now, (settings, status))
        last_resort.daemon = True
        last_resort.start()
        leave(status)

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    threading.Thread(target=_end_on_hangup, name="hangup", daemon=True).start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_on_hangup() -> None:
    """Wait until the terminal is gone, then end the process; nothing is left to restore."""
    watched = select.poll()
    watched.register(STDIN, 0)  # only hang-ups and errors: the screen reads the keys
    for _, event in watched.poll():
        if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            os._exit(128 + signal.SIGHUP)


def _end_now(settings: list[int | list[bytes | int]], status: int) -> None:
    with contextlib.suppress(termios.error):
        termios.tcsetattr(STDIN, termios.TCSANOW, settings)
    with contextlib.suppress(OSError):
        os.set_blocking(STDERR, False)  # a frozen terminal must not block this write too
        os.write(STDERR, _RESET)
        os.set_blocking(STDERR, True)
    os._exit(status)
