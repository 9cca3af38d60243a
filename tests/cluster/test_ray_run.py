"""A run on a local Ray is bit-identical to one on threads, whatever dies or changes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from forked import Process
from trainer import (
    ENDLESS,
    LONG,
    TINY,
    PausePoint,
    assert_refused,
    blocks_in_flight,
    digest_of,
    history_of,
    kill,
    newest,
    run,
    start,
    start_paused,
    status_of,
    wait_until,
    write_config,
)

pytest.importorskip("ray", reason="Ray is not installed: `make ray` runs these tests")

BY_RAY = ("--backend", "ray", "--workers", 2)
GONE_S = 10.0
"""No actor lives so long after its trainer was killed."""

SEARCH = LONG.replace("simulations = 6", "simulations = 60").replace(
    "[self_play]", '[self_play]\ndecide_by = "search"'
)
"""Iterations of twenty blocks that take long enough to kill an actor in the middle of one."""


@pytest.fixture(autouse=True)
def _ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Not `tmp_path`: its sockets' paths must have less than 108 letters.
    folder = tempfile.mkdtemp(prefix="ray-")
    monkeypatch.setenv("RAY_TMPDIR", folder)
    yield
    shutil.rmtree(folder, ignore_errors=True)


def ordered(folder: Path, settings: str, iterations: int, *more: object) -> tuple[object, ...]:
    """The arguments that begin a run in `folder`."""
    config = write_config(folder, settings)
    return (
        "train", "--config", config, "--iterations", iterations,
        "--checkpoint-dir", folder / "run", *more,
    )  # fmt: skip


def trained(folder: Path, settings: str, iterations: int, *more: object) -> str:
    """Train to the end and return the digest of the last checkpoint."""
    folder.mkdir()
    done = run(*ordered(folder, settings, iterations, *more))
    assert done.returncode == 0, done.stdout + done.stderr
    return digest_of(newest(folder / "run"))


def rating_of(root: Path) -> dict[str, object]:
    """The fields of the history's last row that neither clock nor name decides."""
    row = history_of(root)[-1]
    timed = ("seconds", "per_minute", "timestamp", "hours", "run_id")
    return {name: value for name, value in row.items() if not any(word in name for word in timed)}


@pytest.fixture(scope="module")
def rated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rated") / "threads"
    trained(folder, TINY, 5)
    return folder / "run"


def actors_of(trainer: Process) -> list[psutil.Process]:
    """List the actors of a trainer's local Ray."""
    below = psutil.Process(trainer.pid).children(recursive=True)
    return [process for process in below if "BlockActor" in _title(process)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.mark.parametrize("settings", [TINY, SEARCH], ids=["lookahead", "search"])
def test_a_run_by_ray_is_bit_identical_to_one_on_threads(tmp_path: Path, settings: str) -> None:
    expected = trained(tmp_path / "threads", settings, 5)
    assert trained(tmp_path / "ray", settings, 5, *BY_RAY) == expected
    ours, theirs = (rating_of(tmp_path / name / "run") for name in ("threads", "ray"))
    assert ours == theirs
    assert {"elo", "points_vs_random", "calibration_error"} <= ours.keys()
    assert status_of(tmp_path / "threads" / "run")["cluster"] is None
    cluster = status_of(tmp_path / "ray" / "run")["cluster"]
    assert (cluster["host_count"], cluster["actors"], cluster["unit"]) == (1, 2, "deals")
    assert cluster["hosts"][0]["answered_at"] <= time.time()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--against", "random", "ismcts-10", "--by", "cards=1-2,seat"),
        ("--search", "2x4", "--games", "--against", "heuristic"),
        ("--until-sure", "--against", "random"),
        ("--matrix",),
    ],
    ids=["by", "games", "until-sure", "matrix"],
)
def test_evaluate_by_ray_prints_what_threads_print(
    rated_run: Path, arguments: tuple[str, ...]
) -> None:
    measured = rated_run if "--matrix" in arguments else newest(rated_run)
    size = ("--cards", 3, "--deals", 30, "--workers", 2)
    ours, theirs = (
        run("evaluate", measured, *arguments, *size, *backend) for backend in ((), BY_RAY[:2])
    )
    assert ours.returncode == theirs.returncode == 0, theirs.stderr
    assert theirs.stdout == ours.stdout
    assert "random" in ours.stdout or "heuristic" in ours.stdout


def test_a_run_whose_actors_are_killed_is_bit_identical(tmp_path: Path) -> None:
    expected = trained(tmp_path / "threads", SEARCH, 4)
    draws = random.Random(time.time_ns())  # another moment in every run of this test
    folder = tmp_path / "ray"
    folder.mkdir()
    trainer = start(*ordered(folder, SEARCH, 4, *BY_RAY))
    for iteration in (0, 2):
        wait_until(lambda at=iteration: blocks_in_flight(folder / "run", at), trainer)
        time.sleep(draws.uniform(0, 0.3))
        victim = draws.choice(actors_of(trainer))
        os.kill(victim.pid, signal.SIGKILL)
    text, _ = trainer.communicate()
    assert trainer.poll() == 0, text
    assert text.count("is lost and started again") == 2
    assert digest_of(newest(folder / "run")) == expected


def test_a_run_changes_to_ray_and_back_inside_an_iteration(tmp_path: Path) -> None:
    expected = trained(tmp_path / "threads", LONG, 4)
    folder, root = tmp_path / "changing", tmp_path / "changing" / "run"
    folder.mkdir()
    release = folder / "release"
    point = PausePoint("self-play", 50)
    trainer = start_paused(PausePoint("self-play", 50, nth=2), release, *ordered(folder, LONG, 4))
    wait_until(lambda: blocks_in_flight(root, 1), trainer)
    kill(trainer)
    resume = ("train", "--resume", "--checkpoint-dir", root)
    trainer = start_paused(point, release, *resume, *BY_RAY)
    played = len(blocks_in_flight(root, 1))
    wait_until(lambda: len(blocks_in_flight(root, 1)) > played, trainer)
    trainer.send_signal(signal.SIGTERM)
    text = trainer.communicate()[0]
    assert trainer.poll() == 128 + signal.SIGTERM
    assert "blocks were played before" in text
    assert "train --resume --backend ray" in text  # the command that goes on
    done = run(*resume)
    assert done.returncode == 0, done.stderr
    assert "blocks were played before" in done.stdout
    assert digest_of(newest(root)) == expected


def test_a_run_by_ray_pauses_after_its_iteration_and_is_that_of_threads(tmp_path: Path) -> None:
    folder, root = tmp_path / "ray", tmp_path / "ray" / "run"
    folder.mkdir()
    trainer = start(*ordered(folder, TINY, ENDLESS, *BY_RAY))
    wait_until(lambda: status_of(root).get("iteration", 0) >= 2, trainer)
    (root / "control.signal").write_text("PAUSE\n")
    text, _ = trainer.communicate()
    assert trainer.poll() == 0, text
    assert status_of(root)["state"] == "paused"
    done = int(newest(root).name.split("iter")[1][:3])
    expected = trained(tmp_path / "threads", TINY, done)
    assert digest_of(newest(root)) == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_actor_outlives_its_trainer(tmp_path: Path, number: signal.Signals) -> None:
    folder, root = tmp_path / "ray", tmp_path / "ray" / "run"
    folder.mkdir()
    trainer = start(*ordered(folder, SEARCH, ENDLESS, *BY_RAY))
    wait_until(lambda: blocks_in_flight(root, 1), trainer)
    actors = actors_of(trainer)
    assert len(actors) == 2
    trainer.send_signal(number)
    trainer.communicate()
    _, alive = psutil.wait_procs(actors, GONE_S)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_a_host_with_other_instructions_is_named_and_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read by actors when they load torch, not by the trainer, which is forked with torch loaded.
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    refused = tmp_path / "refused"
    refused.mkdir()
    done = run(*ordered(refused, TINY, 1, *BY_RAY))
    assert done.returncode == 1
    assert done.stdout.count("it is not used (--mixed-hosts would use it)") == 1
    status = status_of(refused / "run")
    assert status["state"] == "failed"
    assert "no host of the cluster plays" in status["error"]
    assert "with DEFAULT instead of" in status["error"]
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    done = run(*ordered(mixed, TINY, 1, *BY_RAY, "--mixed-hosts"))
    assert done.returncode == 0, done.stderr
    assert "cannot be repeated bit for bit (--mixed-hosts)" in done.stdout


def test_an_address_without_a_cluster_is_refused_before_the_run_begins(tmp_path: Path) -> None:
    done = run(*ordered(tmp_path, TINY, 1, *BY_RAY, "--ray-address", "127.0.0.1:1"))
    assert_refused(done, "127.0.0.1:1", "ray start --head")
    assert not (tmp_path / "run" / "status.json").exists()
