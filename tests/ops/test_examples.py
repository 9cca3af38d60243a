"""The files in `examples/ops`, checked and run as far as this machine can."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from trainer import (
    LONG,
    PATIENCE_S,
    blocks_in_flight,
    history_of,
    status_of,
    wait_until,
    write_config,
)

ROOT = Path(__file__).parents[2]
OPS = ROOT / "examples" / "ops"
PAUSED_TRAINER = ROOT / "tests" / "shared" / "paused_trainer.py"


def write_program(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def write_blobmaster(folder: Path, *more: object, before: str = "") -> Path:
    """Write a `blobmaster` that adds arguments, such as the settings of a small run."""
    arguments = shlex.join(map(str, more))
    return write_program(
        folder / "blobmaster",
        f'{before}exec {shlex.quote(sys.executable)} -m blobmaster "$@" {arguments}',
    )


def small(folder: Path, iterations: int) -> list[object]:
    """Return the arguments of a run that takes a second."""
    return ["--config", write_config(folder), "--iterations", iterations]


def finishes(command: list[str], folder: Path, **environment: str) -> str:
    """Run a command to its end in a folder, and return what it printed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# systemd


def unit_settings(text: str) -> dict[str, str]:
    """Return the settings of a unit; each has one line here."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_verified_by_systemd(tmp_path: Path) -> None:
    text = (OPS / "blobmaster.service").read_text()
    program = write_blobmaster(tmp_path)
    # The paths and the user of the example are not there; all else is verified as it stands.
    text = text.replace("/srv/blobmaster/venv/bin/blobmaster", str(program))
    text = text.replace("/srv/blobmaster", str(tmp_path)).replace("User=blobmaster\n", "")
    unit = tmp_path / "blobmaster.service"
    unit.write_text(text)
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in found.stderr.splitlines() if "blobmaster.service" in line]
    assert (found.returncode, ours) == (0, [])


def test_the_command_of_the_unit_trains_and_stops_by_its_signal_with_its_status(
    tmp_path: Path,
) -> None:
    settings = unit_settings((OPS / "blobmaster.service").read_text())
    root = tmp_path / "run"
    command = settings["ExecStart"].replace("/srv/blobmaster/run", str(root))
    program, *arguments = shlex.split(command)
    assert Path(program).name == "blobmaster"
    config = write_config(tmp_path, LONG)
    trainer = subprocess.Popen(
        [sys.executable, PAUSED_TRAINER, "self-play", "1", "40", tmp_path / "never", *arguments,
         "--config", config, "--iterations", "2", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) > 2, trainer)
    trainer.send_signal(getattr(signal, settings["KillSignal"]))
    output, _ = trainer.communicate()
    assert trainer.returncode == int(settings["SuccessExitStatus"]), output


# Slurm


def test_the_batch_job_leaves_at_its_signal_is_requeued_and_goes_on_to_the_end(
    tmp_path: Path,
) -> None:
    root, never, asked = tmp_path / "run", tmp_path / "never", tmp_path / "scontrol.txt"
    write_program(tmp_path / "scontrol", f'echo "$@" >> {shlex.quote(str(asked))}')
    config = write_config(tmp_path, LONG)
    more = ["--config", config, "--iterations", 2, "--workers", 2]
    paused = [sys.executable, PAUSED_TRAINER, "self-play", 1, 40, never]
    first = write_program(
        tmp_path / "first", f'exec {shlex.join(map(str, paused))} "$@" {shlex.join(map(str, more))}'
    )
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "4711",
        "BLOBMASTER_RUN": str(root),
    }
    job = subprocess.Popen(
        ["bash", OPS / "blobmaster.sbatch"],
        env={**environment, "BLOBMASTER": str(first)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) > 2, job)
    job.send_signal(signal.SIGUSR1)  # to the script alone, as `--signal=B:USR1@120` has it
    output, _ = job.communicate(timeout=PATIENCE_S)
    assert job.returncode == 0, output
    assert "left with status 143" in output
    assert asked.read_text() == "requeue 4711\n"
    assert status_of(root)["state"] == "paused"

    again = finishes(
        ["bash", str(OPS / "blobmaster.sbatch")],
        tmp_path,
        **{**environment, "BLOBMASTER": str(write_blobmaster(tmp_path, *more))},
    )
    assert "blocks were played before" in again
    assert len(history_of(root)) == 2
    assert asked.read_text() == "requeue 4711\n"  # a finished run is not requeued


def test_a_trainer_that_fails_gives_the_job_its_status_and_no_requeue(tmp_path: Path) -> None:
    write_program(tmp_path / "scontrol", "exit 99")
    failing = write_program(tmp_path / "failing", "exit 1")
    done = subprocess.run(
        ["bash", OPS / "blobmaster.sbatch"],
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "4711",
            "BLOBMASTER_RUN": str(tmp_path / "run"),
            "BLOBMASTER": str(failing),
        },
        check=False,
    )
    assert done.returncode == 1


# Kubernetes


def kubernetes() -> dict[str, Any]:
    """Return the documents of the manifest by their kind."""
    yaml = pytest.importorskip("yaml")
    text = (OPS / "kubernetes-job.yaml").read_text()
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_the_job_mounts_the_volume_that_it_claims_and_never_runs_two_trainers() -> None:
    found = kubernetes()
    spec = found["Job"]["spec"]
    pod = spec["template"]["spec"]
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert list(claims.values()) == [found["PersistentVolumeClaim"]["metadata"]["name"]]
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }
    paths = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert paths[next(iter(claims))] in container["args"]
    assert pod["restartPolicy"] in ("OnFailure", "Never")
    assert spec.get("parallelism", 1) == 1
    assert found["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_the_commands_of_the_job_train_and_call_the_trainer_alive(tmp_path: Path) -> None:
    (container,) = kubernetes()["Job"]["spec"]["template"]["spec"]["containers"]
    program = write_blobmaster(tmp_path)
    root = str(tmp_path / "run")
    command = [*docker_words("ENTRYPOINT"), *container["args"]]
    here = [str(program), *(word.replace("/run/blobmaster", root) for word in command[1:])]
    finishes([*here, *map(str, small(tmp_path, 1))], tmp_path)
    assert status_of(Path(root))["state"] == "finished"
    probe = container["livenessProbe"]["exec"]["command"]
    assert probe[0] == command[0]
    finishes([str(program), *(w.replace("/run/blobmaster", root) for w in probe[1:])], tmp_path)


# Docker


def docker_lines() -> list[str]:
    """Return the instructions of the Dockerfile, continued lines joined."""
    text = (OPS / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def docker_words(instruction: str) -> list[str]:
    """Return the words of ENTRYPOINT or CMD, which are JSON: no shell is between."""
    (line,) = [line for line in docker_lines() if line.startswith(f"{instruction} ")]
    words: list[str] = json.loads(line.removeprefix(instruction))
    return words


def test_everything_that_the_image_copies_exists() -> None:
    copies = [line.split()[1:-1] for line in docker_lines() if line.startswith("COPY ")]
    assert copies
    for source in (source for sources in copies for source in sources):
        assert (ROOT / source).exists(), source


def test_the_default_torch_of_the_image_is_the_pinned_one() -> None:
    pinned = (ROOT / "requirements.txt").read_text().splitlines()
    (torch,) = [line for line in docker_lines() if line.startswith("ARG TORCH=")]
    assert torch.removeprefix("ARG TORCH=") in pinned


def test_the_command_of_the_image_trains_and_goes_on(tmp_path: Path) -> None:
    entry, default = docker_words("ENTRYPOINT"), docker_words("CMD")
    assert entry == ["blobmaster"]
    write_blobmaster(tmp_path)
    root = tmp_path / "run"
    words = [*entry, *(word.replace("/run/blobmaster", str(root)) for word in default)]
    path = f"{tmp_path}:{os.environ['PATH']}"
    for iterations in (1, 2):
        finishes([*words, *map(str, small(tmp_path, iterations))], tmp_path, PATH=path)
    assert [row["iteration"] for row in history_of(root)] == [1, 2]
