"""A real run under the monitor: watched, paused with p, resumed, killed, stopped, carried away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from monitor_terminal import monitor_command, run_monitor_plainly
from terminals import DEADLINE_S, Terminal

from blobmaster.run.errors import StatusError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Status, read_status

TRAINER = """
import sys, time
from pathlib import Path
from blobmaster.run.session import RunIdentity, RunSession
with RunSession.open(Path(sys.argv[1]), command="toy") as session:
    newest = session.store.newest_valid()[0]
    meta = None if newest is None else session.store.read(newest.path)[1]
    identity = RunIdentity(run_id="toy", project="Toy", architecture=1, parameters=100_000, seed=1)
    session.begin(identity, 1000, meta, resume_command="toy --resume")
    for iteration in range(session.first_iteration, 1000):
        session.step("learning", total=20, unit="batches")
        for _ in range(20):
            if session.should_stop.wait(0.05):
                break
            session.advance()
        if session.should_stop.is_set():
            break
        write = lambda file: file.write(b"PK\\x05\\x06" + bytes(18))
        session.commit(iteration, write, metrics={"loss": 1 / (1 + iteration)})
        if session.pause_requested:
            break
sys.exit(session.exit_status)
"""

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(layout: RunLayout) -> Iterator[Start]:
    """Starts the toy trainer, or resumes it."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", TRAINER, str(layout.root)]
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        wait_for_status(layout, lambda status: status.pid == started[-1].pid and status.iteration)
        return started[-1]

    yield begin
    for trainer in started:
        trainer.send_signal(signal.SIGCONT) if trainer.poll() is None else None
        trainer.kill()
        trainer.wait()


def wait_for_status(layout: RunLayout, holds: Callable[[Status], object]) -> Status:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            status = read_status(layout.status)
        except StatusError:
            status = None
        if status is not None and holds(status):
            return status
        time.sleep(0.05)
    raise AssertionError(f"the status never came to that: {layout.status.read_text()}")


def test_a_run_is_watched_paused_with_p_and_resumed(
    layout: RunLayout, start: Start, open_terminal: Callable[..., Terminal]
):
    trainer = start()
    terminal = open_terminal(monitor_command(layout, refresh_interval=0.5))
    terminal.wait_for("● running")
    terminal.wait_for("loss")
    terminal.press("p")
    terminal.wait_for("y yes")
    terminal.press("y")
    terminal.wait_for("‖ paused")
    terminal.wait_for("resume with toy --resume")
    assert trainer.wait(DEADLINE_S) == 0
    start()
    terminal.wait_for("● running")
    terminal.wait_without("resume with")
    terminal.press("q")
    assert terminal.exit_status() == 0
    assert read_status(layout.status).state == "running"


def test_kill_9_shows_dead_within_ten_seconds_at_the_default_interval(
    layout: RunLayout, start: Start, open_terminal: Callable[..., Terminal]
):
    trainer = start()
    terminal = open_terminal(monitor_command(layout))
    terminal.wait_for("● running")
    killed_at = time.monotonic()
    trainer.kill()
    terminal.wait_for("✗ dead")
    assert time.monotonic() - killed_at < 10
    terminal.wait_for("resume with toy --resume")
    found = run_monitor_plainly(layout, once=True)
    assert found.returncode == 11
    assert "dead" in found.stdout


def test_sigstop_shows_stalled_and_sigcont_running_again(
    layout: RunLayout, start: Start, open_terminal: Callable[..., Terminal]
):
    trainer = start()
    terminal = open_terminal(monitor_command(layout, refresh_interval=0.5))
    terminal.wait_for("● running")
    trainer.send_signal(signal.SIGSTOP)
    terminal.wait_for("! stalled")
    assert run_monitor_plainly(layout, once=True).returncode == 10
    trainer.send_signal(signal.SIGCONT)
    terminal.wait_for("● running")
    assert run_monitor_plainly(layout, once=True).returncode == 0


def test_a_status_carried_to_another_host_is_no_proof_of_life(
    layout: RunLayout, start: Start, tmp_path: Path
):
    start()
    elsewhere = RunLayout(tmp_path / "copy")
    elsewhere.root.mkdir()
    text = layout.status.read_text().replace(os.uname().nodename, "another-host")
    elsewhere.status.write_text(text)
    impatient = "import blobmaster.monitor.read.readers as readers; readers.CONFIRM_S = 3"
    found = run_monitor_plainly(elsewhere, before=impatient, once=True)
    assert found.returncode == 10
    assert "no contact" in found.stdout
    shutil.rmtree(elsewhere.root)
