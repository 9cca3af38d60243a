"""Pause, continue, signals and kill -9 of a real trainer, at many points of a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from trainer import (
    ENDLESS,
    LONG,
    PATIENCE_S,
    PausePoint,
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

from blobmaster.run.files.layout import RunLayout

TWO_WORKERS = ("--workers", 2)
THREE_BLOCKS = 3 * 8 + 2 * 8
"""Rounds after which three blocks of eight are finished, whatever the two workers have begun."""


def ask(root: Path, text: str) -> None:
    """Write a request, as `echo PAUSE > control.signal` does."""
    RunLayout(root).control.write_text(f"{text}\n")


def test_a_pause_ends_the_iteration_and_resume_goes_on_with_the_next(tmp_path: Path) -> None:
    root = tmp_path / "run"
    trainer = start(
        "train", "--config", write_config(tmp_path), "--iterations", ENDLESS,
        "--checkpoint-dir", root,
    )  # fmt: skip
    wait_until(lambda: status_of(root).get("iteration", 0) >= 3, trainer)
    ask(root, "PAUSE")
    output, _ = trainer.communicate()
    assert trainer.returncode == 0, output
    paused = status_of(root)
    assert paused["state"] == "paused"
    done = len(history_of(root))
    assert 3 <= done < ENDLESS
    assert paused["resume_command"] in output
    resumed = run("train", "--resume", "--iterations", done + 1, "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert [row["iteration"] for row in history_of(root)] == list(range(1, done + 2))


def test_a_pause_written_while_torch_is_loading_is_acknowledged(tmp_path: Path) -> None:
    root, release = tmp_path / "run", tmp_path / "release"
    trainer = start_paused(
        PausePoint("self-play", units=0), release,
        "train", "--config", write_config(tmp_path), "--iterations", 50, "--checkpoint-dir", root,
        anew=True,
    )  # fmt: skip
    wait_until(lambda: status_of(root).get("state") == "starting", trainer)
    ask(root, "PAUSE")
    wait_until(lambda: status_of(root).get("state") == "pausing", trainer)
    release.touch()
    output, _ = trainer.communicate()
    assert trainer.returncode == 0, output
    assert len(history_of(root)) == 1
    assert status_of(root)["state"] == "paused"


def test_continue_cancels_a_pause(tmp_path: Path) -> None:
    root, release = tmp_path / "run", tmp_path / "release"
    trainer = start_paused(
        PausePoint("self-play", units=1), release,
        "train", "--config", write_config(tmp_path), "--iterations", 2, "--checkpoint-dir", root,
    )  # fmt: skip
    wait_until(lambda: status_of(root).get("state") == "running", trainer)
    ask(root, "PAUSE")
    wait_until(lambda: status_of(root)["state"] == "pausing", trainer)
    ask(root, "CONTINUE")
    wait_until(lambda: status_of(root)["state"] == "running", trainer)
    release.touch()
    output, _ = trainer.communicate()
    assert trainer.returncode == 0, output
    assert status_of(root)["state"] == "finished"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of an uninterrupted run of two long iterations."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    root = folder / "run"
    done = run(
        "train", "--config", write_config(folder, LONG), "--iterations", 2,
        "--checkpoint-dir", root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return digest_of(newest(root))


@pytest.mark.parametrize(
    ("interruption", "exit_status"),
    [
        (signal.SIGTERM, 143),
        (signal.SIGINT, 130),
        (signal.SIGKILL, -9),
        ("PAUSE NOW", 0),
    ],
)
def test_stopping_within_an_iteration_keeps_finished_blocks_and_the_final_bits(
    tmp_path: Path, uninterrupted: str, interruption: signal.Signals | str, exit_status: int
) -> None:
    root = tmp_path / "run"
    trainer = start_paused(
        PausePoint("self-play", units=THREE_BLOCKS, nth=2), tmp_path / "never",
        "train", "--config", write_config(tmp_path, LONG), "--iterations", 2,
        "--checkpoint-dir", root, *TWO_WORKERS,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=1)) > 2, trainer)
    if isinstance(interruption, str):
        ask(root, interruption)
    else:
        os.kill(trainer.pid, interruption)
    trainer.communicate()
    assert trainer.returncode == exit_status
    assert 2 < len(blocks_in_flight(root, iteration=1)) < 20
    resumed = run("train", "--resume", "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert "blocks were played before" in resumed.stdout
    assert digest_of(newest(root)) == uninterrupted
    assert not blocks_in_flight(root, iteration=1)


def test_killed_in_the_first_iteration_a_run_is_resumed_from_its_blocks(
    tmp_path: Path, uninterrupted: str
) -> None:
    root = tmp_path / "run"
    trainer = start_paused(
        PausePoint("self-play", units=THREE_BLOCKS), tmp_path / "never",
        "train", "--config", write_config(tmp_path, LONG), "--iterations", 2,
        "--checkpoint-dir", root, *TWO_WORKERS,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) > 2, trainer)
    # A thread of its own writes the status: blocks may be on the disk before the run's id is.
    run_id = wait_until(lambda: status_of(root)["run_id"], trainer)
    kill(trainer)
    resumed = run("train", "--resume", "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert "blocks were played before" in resumed.stdout
    assert status_of(root)["run_id"] == run_id
    assert digest_of(newest(root)) == uninterrupted


def test_rounds_of_an_earlier_session_do_not_count_as_speed(tmp_path: Path) -> None:
    root = tmp_path / "run"
    trainer = start_paused(
        PausePoint("learning", units=0), tmp_path / "never",
        "train", "--config", write_config(tmp_path), "--iterations", 2, "--checkpoint-dir", root,
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) == 3, trainer)
    kill(trainer)
    resumed = run("train", "--resume", "--checkpoint-dir", root)
    assert resumed.returncode == 0, resumed.stderr
    assert "3 blocks were played before" in resumed.stdout
    restored, played = history_of(root)
    assert restored["rounds_per_minute"] is None
    assert played["rounds_per_minute"] > 0


def test_a_finished_trainer_exits_without_shutting_torch_down(tmp_path: Path) -> None:
    arguments = ["train", "--config", str(write_config(tmp_path)), "--iterations", "1"]
    script = (
        "import atexit, blobmaster.cli.main; atexit.register(print, 'taken down');"
        f"blobmaster.cli.main.main({[*arguments, '--checkpoint-dir', str(tmp_path / 'run')]!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "next:" in done.stdout
    assert "taken down" not in done.stdout


def test_a_run_that_diverges_fails_with_the_reason_and_keeps_its_last_checkpoint(
    tmp_path: Path,
) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    train = ("train", "--config", config, "--checkpoint-dir", root, "--iterations", 2)
    assert run(*train).returncode == 0
    before = digest_of(newest(root))
    config.write_text("[learning]\nlearning_rate = 1e30\nlast_learning_rate = 1e30\n")
    failed = run(
        "train", "--resume", "--config", config, "--iterations", 4, "--checkpoint-dir", root
    )
    assert failed.returncode == 1
    assert "Traceback" not in failed.stdout + failed.stderr
    status = status_of(root)
    assert status["state"] == "failed"
    assert "finite" in status["error"] or "loss is" in status["error"]
    assert "the run failed" in RunLayout(root).log.read_text()
    assert newest(root).name.endswith("iter002.pth")
    assert digest_of(newest(root)) == before
    # The usual command would diverge again.
    assert "--learning-rate 2.5e+29" in status["resume_command"]
    assert status["resume_command"] in failed.stdout
