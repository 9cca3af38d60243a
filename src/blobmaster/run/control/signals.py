"""Turns SIGTERM and Ctrl+C into bytes that a thread can wait for.

A handler in Python runs only when the main thread next interprets bytecode, which a long call into
compiled code delays. The interpreter's own C handler writes the signal's number to a socket at
once; the ticker's thread waits there.
"""

import os
import select
import signal
import socket
from types import FrameType
from typing import Any

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WAKE = b"\0"


class SignalWatch:
    """Watches from `install` to `restore`; both are for the main thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def install(self) -> None:
        """Raises: ValueError outside the main thread."""
        # A signal that was ignored when we came (nohup) stays ignored.
        self._before = {
            number: signal.signal(number, _noted)
            for number in WATCHED
            if signal.getsignal(number) != signal.SIG_IGN
        }
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=self._forget)

    def restore(self) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        self._reader.close()
        self._writer.close()

    def wake(self) -> None:
        """End a `wait` early; any thread may."""
        try:
            self._writer.send(_WAKE)
        except BlockingIOError:
            return  # so many wakes are waiting that one more says nothing

    def wait(self, seconds: float) -> list[int]:
        """The signals that came, in order; empty after `seconds` or a `wake`."""
        ready, _, _ = select.select([self._reader], [], [], max(seconds, 0.0))
        return [number for number in self._reader.recv(4096) if number] if ready else []

    def _forget(self) -> None:
        """A forked child (a data loader's worker) must not report its Ctrl+C as the trainer's."""
        if self._before:
            signal.set_wakeup_fd(-1)
            for number, handler in self._before.items():
                signal.signal(number, handler)


def _noted(number: int, frame: FrameType | None) -> None:
    """The ticker has been told; with this handler the default one does not end the process."""
