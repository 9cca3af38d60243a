"""What a screen needs of its terminal: what it can show, and that it is left as it was found."""

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
PATIENCE_S: Final = 1.5
"""What an orderly exit may take before the process ends itself."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

# Mouse, focus and paste reports off, kitty keys popped, line wrap on, primary screen, cursor shown.
_RESET: Final = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l"
    b"\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h"
)


def can_draw() -> bool:
    """Whether this process has a terminal to draw a screen on and to read keys from."""
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    # Textual draws on stderr and reads keys from stdin; a redirected stdout asks for text.
    return all(_is_terminal(number) for number in (STDIN, 1, STDERR))


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def shows_unicode(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether more than ASCII can be shown: yes, unless the locale plainly names another one."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environment.get(name, "")
        if value:
            return "utf" in value.lower()
    return True


@contextlib.contextmanager
def guarded_terminal(leave: Callable[[int], None]) -> Iterator[None]:
    """Calls `leave(exit status)`, in the main thread, when a signal asks this process to end.

    Where the orderly way takes longer than `PATIENCE_S` (a frozen or closed terminal blocks every
    write to it) the terminal's settings are put back and the process ends at once. A terminal that
    hangs up without a signal, as under nohup, ends it likewise.
    """
    # Exported by some shells, they would hide every change of the terminal's size.
    for stale in ("COLUMNS", "LINES"):
        os.environ.pop(stale, None)
    settings = termios.tcgetattr(STDIN)

    def on_signal(number: int, _: FrameType | None) -> None:
        status = 128 + number
        last_resort = threading.Timer(PATIENCE_S, _end_now, (settings, status))
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
    """Sleep until the terminal is gone; there is nothing left to restore then."""
    watched = select.poll()
    watched.register(STDIN, 0)  # hang-ups and errors alone: keys are the screen's
    for _, event in watched.poll():
        if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
            os._exit(128 + signal.SIGHUP)


def _end_now(settings: list[int | list[bytes | int]], status: int) -> None:
    with contextlib.suppress(termios.error):
        termios.tcsetattr(STDIN, termios.TCSANOW, settings)
    with contextlib.suppress(OSError):
        os.set_blocking(STDERR, False)
        os.write(STDERR, _RESET)
        os.set_blocking(STDERR, True)
    os._exit(status)
