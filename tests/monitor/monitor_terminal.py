"""A run directory to look at, and the monitor as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from terminals import DEADLINE_S, ENVIRONMENT

from blobmaster.run.control.process import this_process
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import Status, Step, encode

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
        pid_namespace=me.pid_namespace,
        boot_id=me.boot_id,
        host=me.host,
        heartbeat_at=now,
        timestamp=now,
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


def written_later() -> dict[str, float]:
    """Changes of a status that keep it fresh until a monitor on a busy machine has started."""
    later = time.time() + 600
    return {"heartbeat_at": later, "progress_at": later}


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
        "from blobmaster.monitor.command import run_monitor\n"
        "from blobmaster.monitor.options import MonitorOptions\n"
        "from blobmaster.terminal.output import protect_output\n"
        f"protect_output()\nsys.exit(run_monitor(MonitorOptions(status_file=Path({str(layout.status)!r}){given})))"
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
