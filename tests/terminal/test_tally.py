"""A tally shows a bar on a terminal and lines elsewhere, and leaves the command's answer alone."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from blobmaster.terminal import console
from blobmaster.terminal.console import Tally

WITH_AN_ANSWER = """
import sys
from rich.console import Console
from blobmaster.terminal.console import Tally
with Tally(Console(stderr=True), "files", 3) as tally:
    for number in range(3):
        tally.name(f"reading {number}")
        print("an answer", number, flush=True)
        tally.advance(1)
"""


def test_without_a_terminal_a_line_is_printed_every_few_seconds(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    written = io.StringIO()
    with Tally(Console(file=written), "files", 4) as tally:
        tally.name("reading")
        for _ in range(4):
            now[0] += 0.6 * console.LINE_SECONDS
            tally.advance(1)
    assert written.getvalue().splitlines() == ["reading", "2 of 4 files", "4 of 4 files"]


def test_the_answer_reaches_a_file_while_the_bar_is_on_the_terminal(tmp_path: Path):
    leader, follower = pty.openpty()
    answer = tmp_path / "answer"
    with answer.open("wb") as file:
        subprocess.run(
            [sys.executable, "-c", WITH_AN_ANSWER],
            stdout=file, stderr=follower, check=True, env=os.environ | {"TERM": "xterm"},
        )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 100_000)
    os.close(leader)
    assert answer.read_text() == "an answer 0\nan answer 1\nan answer 2\n"
    assert b"reading 2" in shown
    assert b"3/3" in shown


WITHOUT_AN_END = """
import time
from rich.console import Console
from blobmaster.terminal.console import Tally
with Tally(Console(stderr=True), "files", 3) as tally:
    tally.say("begun")
    while True:  # a signal that comes just before a sleep does not end it
        time.sleep(0.01)
"""
CURSOR_HIDDEN, CURSOR_SHOWN = b"\x1b[?25l", b"\x1b[?25h"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_its_cursor_back(number: signal.Signals):
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_AN_END], stderr=follower, env=environment
    )
    os.close(follower)
    shown = b""
    while b"begun" not in shown:
        shown += os.read(leader, 100_000)
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    shown += os.read(leader, 100_000)
    os.close(leader)
    assert shown.rindex(CURSOR_SHOWN) > shown.rindex(CURSOR_HIDDEN)


def test_a_signal_that_is_ignored_stays_ignored_and_the_default_comes_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Tally(Console(file=io.StringIO()), "files", 1):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
