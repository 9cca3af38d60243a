"""Ends a command without a screen in an orderly way when a signal arrives."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def exit_on_signals() -> None:
    """Make SIGTERM and SIGHUP raise SystemExit with status 128 + number, so that `finally` runs.

    A signal that is ignored at start stays ignored, as nohup asks for.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
