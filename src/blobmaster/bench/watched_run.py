"""A monitor on a pseudo-terminal, and the files of a run for it to watch."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from blobmaster.run.control.process import this_process
from blobmaster.run.files.history import HistoryRow, encode_row
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.run_progress import RunProgress
from blobmaster.run.status.step_progress import StepProgress

COLUMNS, LINES = 120, 35
"""Size of the terminal, in characters."""
PATIENCE_S: Final = 300.0
"""Longest wait for a text on the screen."""

MONITOR_START: Final = (
    "import sys; sys.argv = ['blobmaster', 'monitor', *sys.argv[1:]]\n"
    "from blobmaster.cli.main import main; main()"
)


class SampleRun:
    """The files of a run that seems to be active, with this process as its trainer."""

    def __init__(self, root: Path, rows: int) -> None:
        self.layout = RunLayout(root)
        root.mkdir()
        self.layout.history.write_bytes(b"".join(map(_encoded_row, range(1, rows + 1))))
        self.layout.log.write_text("INFO iteration committed\n" * 300)
        self._progress = StepProgress(time.monotonic(), time.time())
        self._progress.start("self-play", 10**6, "rounds", time.monotonic(), time.time())
        self._publisher = StatusPublisher(self.layout, this_process(), self._progress, lambda: None)
        self._publisher.update(
            state="running", run_id="bench", metrics={"phase": "rounds", "elo": 1200.0}
        )
        progress = RunProgress(
            first=rows, total=2 * rows, elapsed_before_s=0.0, now=time.monotonic()
        )
        self._publisher.track(progress)
        self.beat()

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a terminal. Bytecode is cached even if this process does not cache it."""
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        bytecode = str(self.layout.root.with_name("bytecode"))
        terminal = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        return inherited | terminal | {"PYTHONPYCACHEPREFIX": bytecode}

    def beat(self) -> None:
        """Write the heartbeat that a trainer writes every 2 s."""
        self._progress.advance(120, time.monotonic())
        self._publisher.write()


class Screen:
    """A monitor on its own pseudo-terminal."""

    def __init__(self, run: SampleRun, *options: str, before: str = "") -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        folder = str(run.layout.root)
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + MONITOR_START, "--checkpoint-dir", folder, *options],
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
            env=run.environment,
        )
        os.close(far)
        self._poll = select.poll()
        self._poll.register(self._near, select.POLLIN)

    def read(self, patience: float) -> bytes:
        """Return the output that arrives within `patience` seconds, or nothing."""
        ready = self._poll.poll(1000 * patience)
        return os.read(self._near, 1 << 16) if ready else b""

    def read_for(self, duration: float) -> int:
        """Return the number of bytes that arrive within `duration` seconds."""
        until, count = time.monotonic() + duration, 0
        while (left := until - time.monotonic()) > 0:
            count += len(self.read(left))
        return count

    def wait_for(self, text: bytes) -> None:
        """Read until the text has arrived.

        Raises:
            RuntimeError: it did not arrive within `PATIENCE_S`.
        """
        seen, until = b"", time.monotonic() + PATIENCE_S
        while text not in seen:
            if time.monotonic() > until:
                raise RuntimeError(f"the monitor never showed {text!r}")
            seen = seen[-len(text) :] + self.read(1.0)

    def press(self, key: bytes) -> None:
        """Type a key."""
        os.write(self._near, key)

    def close(self) -> None:
        """Kill the monitor and close the terminal."""
        self.process.kill()
        self.process.wait()
        os.close(self._near)


@contextlib.contextmanager
def open_screen(run: SampleRun, *options: str, before: str = "") -> Iterator[Screen]:
    """Start a monitor of the run, and end it afterwards.

    `before` is Python code that the monitor's process runs first.
    """
    screen = Screen(run, *options, before=before)
    try:
        yield screen
    finally:
        screen.close()


def _encoded_row(iteration: int) -> bytes:
    return encode_row(sample_row(iteration))


def sample_row(iteration: int) -> HistoryRow:
    """Return a history row with plausible metrics."""
    metrics = {"loss": 2 - iteration / 1e6, "policy_loss": 1.2, "value_loss": 0.7}
    metrics |= {"elo": 1000.0 + iteration % 97, "rounds_per_minute": 3600.0 + iteration % 13}
    return HistoryRow(
        iteration=iteration,
        run_id="bench",
        timestamp="2026-01-01T00:00:00Z",
        elapsed_hours=iteration / 3,
        metrics=metrics,
    )
