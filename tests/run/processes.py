"""Starts trainers as real processes and waits for their files."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from blobmaster.run.errors import StatusError
from blobmaster.run.status.schema import Status, read_status

HERE = Path(__file__).parent
PATIENCE_S = 300.0
"""Generous: on an idle machine each wait takes a second."""


def start(*arguments: object, script: str = "victim.py", prefix: tuple[str, ...] = ()):
    """Start a trainer in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [*prefix, sys.executable, str(HERE / script), *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
    )


def finish(process) -> tuple[int, str]:
    """Return exit status and stderr of a process; kill it if it does not end."""
    try:
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, said


def wait_for(condition: Callable[[], object], what: str = "", pause: float = 0.01) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what or condition}"
        time.sleep(pause)


def status_of(root: Path) -> Status | None:
    try:
        return read_status(root / "status.json")
    except StatusError:
        return None


def wait_for_state(root: Path, *states: str) -> Status:
    def reached() -> bool:
        status = status_of(root)
        return status is not None and status.state in states

    wait_for(reached, f"state {states}")
    status = status_of(root)
    assert status is not None
    return status


def history_without_clocks(root: Path) -> list[tuple[int, str, dict]]:
    from blobmaster.run.files.history import read_rows

    rows = read_rows(root / "history.jsonl").rows
    return [(row.iteration, row.run_id, row.metrics) for row in rows]
