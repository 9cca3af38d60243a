"""Programs on a pseudo-terminal, with the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pexpect
import pyte
import pytest

DEADLINE_S = 120.0
ENVIRONMENT = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


@dataclass
class Terminal:
    """A program on a pty, and an emulator (pyte) of the screen."""

    command: list[str]
    columns: int = 120
    lines: int = 35
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.child = pexpect.spawn(
            self.command[0],
            self.command[1:],
            dimensions=(self.lines, self.columns),
            env={**os.environ, **ENVIRONMENT, **self.environment},
            timeout=DEADLINE_S,
        )
        self.settings_before = termios.tcgetattr(self.child.child_fd)
        self.screen = pyte.Screen(self.columns, self.lines)
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""

    def read(self, seconds: float = 0.1) -> None:
        """Read the program's output for up to this time."""
        try:
            data = self.child.read_nonblocking(1 << 16, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            time.sleep(seconds)
            return
        self.received += data
        self._stream.feed(_without_private_sequences(data))

    @property
    def text(self) -> str:
        """The text on the screen."""
        return "\n".join(self.screen.display)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Read until `holds` is true; fail with the screen's text if it never is."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, f"never {what}:\n{self.text}"
            self.read()

    def wait_for(self, text: str) -> None:
        """Read until the text is on the screen."""
        self.wait_until(lambda: text in self.text, f"showed {text!r}")

    def wait_without(self, text: str) -> None:
        """Read until the text is no longer on the screen."""
        self.wait_until(lambda: text not in self.text, f"stopped showing {text!r}")

    def press(self, keys: str) -> None:
        """Send keys."""
        self.child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal window."""
        self.screen.resize(lines, columns)
        fcntl.ioctl(
            self.child.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0)
        )

    def exit_status(self) -> int:
        """Wait for the end and return the exit status; for a signal, 128 + its number."""
        self.wait_until(lambda: not self.child.isalive(), "ended")
        self.read()
        if self.child.signalstatus is not None:
            return 128 + self.child.signalstatus
        assert self.child.exitstatus is not None
        return self.child.exitstatus

    def assert_restored(self) -> None:
        """Check that the terminal is restored: settings, screen, cursor, mouse, focus, paste."""
        assert termios.tcgetattr(self.child.child_fd) == self.settings_before
        for mode in (b"1049", b"1004", b"2004", b"1000", b"1003", b"1006", b"2048"):
            set_at = self.received.rfind(b"\x1b[?" + mode + b"h")
            assert set_at <= self.received.rfind(b"\x1b[?" + mode + b"l"), mode
        assert self.received.rfind(b"\x1b[?25l") <= self.received.rfind(b"\x1b[?25h")
        assert self.received.rfind(b"\x1b[?7l") <= self.received.rfind(b"\x1b[?7h")
        assert self.received.count(b"\x1b[>") <= self.received.count(b"\x1b[<u") + 1

    def hang_up(self) -> None:
        """Close the terminal while the program runs, as a lost connection does."""
        self.child.ptyproc.fileobj.close()
        self.child.ptyproc.fd = self.child.child_fd = -1
        self.child.ptyproc.closed = self.child.closed = True

    def close(self) -> None:
        """Kill the program if it still runs."""
        if self.child.closed:
            return
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
        self.child.close(force=True)


def _without_private_sequences(data: bytes) -> bytes:
    """Remove sequences that pyte does not know and would print."""
    return re.sub(rb"\x1b\[(?:[<>=][0-9;]*[a-z]|\?[0-9;]*\$p)", b"", data)


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    """A function that opens terminals; they are closed when the test ends."""
    opened: list[Terminal] = []

    def open_one(command: list[str], **settings: Any) -> Terminal:
        opened.append(Terminal(command, **settings))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()
