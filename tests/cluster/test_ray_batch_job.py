"""The Slurm job of `examples/ops` that starts a Ray cluster, with real Ray and scripts as Slurm."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from trainer import (
    LONG,
    PATIENCE_S,
    blocks_in_flight,
    digest_of,
    history_of,
    newest,
    run,
    status_of,
    wait_until,
    write_config,
)

pytest.importorskip("ray", reason="Ray is not installed: `make ray` runs these tests")

SCRIPT = Path(__file__).parents[2] / "examples" / "ops" / "ray-cluster.sbatch"
ITERATIONS = 3


def program(path: Path, text: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job on two nodes, which are both this machine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    config = write_config(tmp_path, LONG)
    more = shlex.join(map(str, ("--config", config, "--iterations", ITERATIONS)))
    python = shlex.quote(sys.executable)
    program(programs / "blobmaster", f'exec {python} -m blobmaster "$@" {more}')
    program(programs / "ray", f'exec {python} -m ray.scripts.scripts "$@"')
    asked = shlex.quote(str(tmp_path / "asked"))
    # srun drops its options and runs the rest here: a second node beside the head's.
    drop = 'while [ "${1#--}" != "$1" ]; do shift; done'
    program(programs / "srun", f'echo srun "$@" >> {asked}; {drop}; exec "$@"')
    program(programs / "scontrol", f'echo scontrol "$@" >> {asked}')
    # Not `tmp_path`: its sockets' paths must have less than 108 letters.
    folder = tempfile.mkdtemp(prefix="ray-")
    yield {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "BLOBMASTER_BIN": str(programs),
        "BLOBMASTER_RUN": str(tmp_path / "run"),
        "RAY_TMPDIR": folder,
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURMD_NODENAME": "node1",
    }
    shutil.rmtree(folder, ignore_errors=True)


def start(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start the job."""
    with log.open("ab") as output:
        return subprocess.Popen(
            ["bash", SCRIPT], env=environment, stdout=output, stderr=subprocess.STDOUT
        )


def test_the_job_leaves_at_its_signal_is_requeued_and_ends_like_a_run_on_threads(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    root, log, asked = tmp_path / "run", tmp_path / "log", tmp_path / "asked"
    job = start(environment, log)
    wait_until(lambda: blocks_in_flight(root, iteration=1), job)
    below = psutil.Process(job.pid).children(recursive=True)
    assert sum("raylet" in process.name() for process in below) == 2
    job.send_signal(signal.SIGUSR1)  # to the script alone, as `--signal=B:USR1@120` has it
    assert job.wait(PATIENCE_S) == 0, log.read_text()
    assert "left with status 143" in log.read_text()
    requeue = f"scontrol requeue {environment['SLURM_JOB_ID']}"
    assert asked.read_text().splitlines()[-1] == requeue
    assert status_of(root)["state"] == "paused"
    _, alive = psutil.wait_procs(below, PATIENCE_S)
    assert alive == []

    again = start(environment, log)
    assert again.wait(PATIENCE_S) == 0, log.read_text()
    assert len(history_of(root)) == ITERATIONS
    assert asked.read_text().count(requeue) == 1  # a finished run is not requeued
    token = Path(f"{root}.ray-token")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert len(token.read_text()) == 64

    threads = ("train", "--config", tmp_path / "settings.toml", "--iterations", ITERATIONS)
    done = run(*threads, "--checkpoint-dir", tmp_path / "threads")
    assert done.returncode == 0, done.stderr
    assert digest_of(newest(root)) == digest_of(newest(tmp_path / "threads"))
