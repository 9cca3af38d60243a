"""Ends a command that has no screen when a signal asks it to."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def leave_on_signals() -> None:
    """From now on SIGTERM and SIGHUP raise SystemExit with their status.

    One that was ignored when we came (nohup) stays ignored.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
