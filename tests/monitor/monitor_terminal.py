"""A run directory to look at, and a real terminal to look at it in."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pexpect
import pyte
import pytest

from blobmaster.run.layout import RunLayout
from blobmaster.run.process import this_process
from blobmaster.run.status import Status, Step, encode

DEADLINE_S = 30.0
ENVIRONMENT = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

BLOB_METRICS: dict[str, Any] = {
    "phase": "rounds",
    "mcts_config": "3×35",
    "elo": 1412.0,
    "elo_change": 12.3,
    "elo_low": 1390.0,
    "elo_high": 1433.0,
    "learning_rate": 8.4e-4,
    "loss": 1.2345,
    "policy_loss": 0.8123,
    "value_loss": 0.4222,
    "training_units_generated": 4400,
    "unit_type": "rounds",
    "pi_target_tau": 0.774,
    "rounds_per_minute": 3660.0,
}


def make_status(**changes: Any) -> Status:
    """The status of a healthy run of this very process."""
    me, now = this_process(), time.time()
    status = Status(
        run_id="20251113-a1b2c3",
        seq=1000,
        state="running",
        pid=me.pid,
        process_started_at=me.started_at,
        process_start_ticks=me.start_ticks,
        boot_id=me.boot_id,
        host=me.host,
        heartbeat_at=now,
        timestamp="2025-11-13T10:00:00Z",
        session_started_at=now - 600,
        iteration=151,
        total_iterations=500,
        progress=0.3,
        elapsed_hours=50.0,
        eta_hours=115.5,
        eta_days=115.5 / 24,
        step=Step(
            name="self-play",
            done=2310,
            total=4400,
            unit="rounds",
            rate=61.2,
            seconds_left=34.0,
            started_at=now - 38,
        ),
        progress_count=2310,
        progress_at=now - 0.5,
        slowest_gap_s=2.5,
        resume_command="blobmaster train --resume --checkpoint-dir runs/long",
        metrics=dict(BLOB_METRICS),
    )
    return msgspec.structs.replace(status, **changes)


def put(layout: RunLayout, status: Status) -> None:
    """Write the status as a trainer does: whole."""
    fresh = layout.status.with_name(".status.json.tmp")
    fresh.write_bytes(encode(status))
    fresh.replace(layout.status)


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """An empty run directory."""
    return RunLayout(tmp_path)


def monitor_command(layout: RunLayout, before: str = "", **options: Any) -> list[str]:
    """A process that runs the monitor; `before` is Python that comes first."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    code = (
        f"{before}\nimport sys\nfrom pathlib import Path, PosixPath\n"
        "from blobmaster.monitor import MonitorOptions, run_monitor\n"
        f"sys.exit(run_monitor(MonitorOptions(status_file=Path({str(layout.status)!r}){given})))"
    )
    return [sys.executable, "-c", code]


def run_monitor_plainly(
    layout: RunLayout, before: str = "", **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the monitor to its end without a terminal."""
    return subprocess.run(
        monitor_command(layout, before, **options),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT},
        timeout=DEADLINE_S,
        check=False,
    )


@dataclass
class Terminal:
    """A program on a pty, and what a person would see there."""

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
        """Take in what the program writes in this time."""
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
        """What is on the screen now."""
        return "\n".join(self.screen.display)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Read until it holds; fails with the screen's text if it never does."""
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
        """Type."""
        self.child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        """Change the terminal's size as a person's hand does."""
        self.screen.resize(lines, columns)
        fcntl.ioctl(
            self.child.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0)
        )

    def exit_status(self) -> int:
        """Wait for the end; a death by signal counts as 128 + its number."""
        self.wait_until(lambda: not self.child.isalive(), "ended")
        self.read()
        if self.child.signalstatus is not None:
            return 128 + self.child.signalstatus
        assert self.child.exitstatus is not None
        return self.child.exitstatus

    def assert_restored(self) -> None:
        """The terminal is as it was: settings, screen, cursor, mouse, focus and paste reports."""
        assert termios.tcgetattr(self.child.child_fd) == self.settings_before
        for mode in (b"1049", b"1004", b"2004", b"1000", b"1003", b"1006", b"2048"):
            set_at = self.received.rfind(b"\x1b[?" + mode + b"h")
            assert set_at <= self.received.rfind(b"\x1b[?" + mode + b"l"), mode
        assert self.received.rfind(b"\x1b[?25l") <= self.received.rfind(b"\x1b[?25h")
        assert self.received.rfind(b"\x1b[?7l") <= self.received.rfind(b"\x1b[?7h")
        assert self.received.count(b"\x1b[>") <= self.received.count(b"\x1b[<u") + 1

    def hang_up(self) -> None:
        """Close the terminal under the program, as a lost connection does."""
        self.child.ptyproc.fileobj.close()
        self.child.ptyproc.fd = self.child.child_fd = -1
        self.child.ptyproc.closed = self.child.closed = True

    def close(self) -> None:
        """End the program, whatever it is doing."""
        if self.child.closed:
            return
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
        self.child.close(force=True)


def _without_private_sequences(data: bytes) -> bytes:
    """Leave out the sequences that pyte does not know and would print."""
    return re.sub(rb"\x1b\[(?:[<>=][0-9;]*[a-z]|\?[0-9;]*\$p)", b"", data)


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals that are closed when the test ends."""
    opened: list[Terminal] = []

    def open_one(command: list[str], **settings: Any) -> Terminal:
        opened.append(Terminal(command, **settings))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()
