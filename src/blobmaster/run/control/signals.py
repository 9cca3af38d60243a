"""Delivers the signals that ask a process to leave, as bytes that a thread can wait for.

A Python signal handler runs only when the main thread executes bytecode again, and a long call into
compiled code delays that. The interpreter's C handler writes the signal's number to a socket at
once (`signal.set_wakeup_fd`); the ticker's thread waits on that socket.
"""

import os
import select
import signal
import socket
import threading
from types import FrameType
from typing import Any

WATCHED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    # Batch systems announce the end of a job's time by one of these; each kills by default.
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)
_WAKE = b"\0"


class SignalWatch:
    """Receives signals from `install` to `restore`; the main thread calls both."""

    _reader: socket.socket
    _writer: socket.socket | None = None
    """None before `install`: there is nobody to wake."""

    def __init__(self) -> None:
        # Not select(): it takes no descriptor above 1,023, and a parent may leave more than that.
        self._poll = select.poll()
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def install(self) -> None:
        """Start receiving the watched signals.

        Raises:
            ValueError: the caller is not the main thread.
            OSError: there is no file descriptor left. No signal is received then.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("only the main thread can install signal handlers")
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._poll.register(self._reader, select.POLLIN)
        # A signal that is ignored at start stays ignored: nohup relies on it.
        self._before = {
            number: signal.signal(number, _do_nothing)
            for number in WATCHED
            if signal.getsignal(number) != signal.SIG_IGN
        }
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=self._forget)

    def restore(self) -> None:
        """Put the former handlers back and close the socket."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def wake(self) -> None:
        """End a `wait` early; thread-safe."""
        if self._writer is None:
            return
        try:
            self._writer.send(_WAKE)
        except BlockingIOError:
            return  # the socket is full of wake-ups, so the thread wakes up anyway

    def wait(self, seconds: float) -> list[int]:
        """Wait for watched signals and return them in order; empty after `seconds` or a `wake`."""
        ready = self._poll.poll(1000 * max(seconds, 0.0))
        # The interpreter writes every signal that has a handler in Python, also one that is not
        # watched here: PyTorch's data loader handles SIGCHLD.
        return [number for number in self._reader.recv(4096) if number in WATCHED] if ready else []

    def _forget(self) -> None:
        """Restore the handlers in a forked child."""
        # The child (a data loader's worker) shares the socket: its Ctrl+C would reach the trainer.
        if self._before:
            signal.set_wakeup_fd(-1)
            for number, handler in self._before.items():
                signal.signal(number, handler)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Replace the default action, which would end the process; the ticker gets the signal."""
