"""`train --auto-resume`, one command line for the first start and every later one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from trainer import (
    LONG,
    PausePoint,
    assert_refused,
    blocks_in_flight,
    digest_of,
    history_of,
    kill,
    newest,
    run,
    start_paused,
    status_of,
    wait_until,
    write_config,
)

from blobmaster.run.files.layout import RunLayout


def auto(root: Path, *arguments: object) -> tuple[object, ...]:
    """Return the command line."""
    return ("train", "--auto-resume", "--checkpoint-dir", root, *arguments)


def test_the_same_command_begins_goes_on_and_says_finished(tmp_path: Path) -> None:
    root, config = tmp_path / "run", write_config(tmp_path)
    begun = run(*auto(root, "--config", config, "--iterations", 1))
    assert begun.returncode == 0, begun.stderr
    run_id = status_of(root)["run_id"]
    longer = auto(root, "--config", config, "--iterations", 3)
    continued = run(*longer)
    assert continued.returncode == 0, continued.stderr
    assert "changed since that checkpoint: run.iterations 1 -> 3" in continued.stdout
    assert [row["iteration"] for row in history_of(root)] == [1, 2, 3]
    before = digest_of(newest(root))
    again = run(*longer)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("finished: ")
    assert digest_of(newest(root)) == before
    assert (status_of(root)["run_id"], status_of(root)["state"]) == (run_id, "finished")
    assert not RunLayout(root).archive.exists()


def test_inside_an_iteration_it_goes_on_with_the_blocks_and_ends_with_the_same_bits(
    tmp_path: Path,
) -> None:
    config = write_config(tmp_path, LONG)
    arguments = ("--config", config, "--iterations", 1)
    whole = run(*auto(tmp_path / "whole", *arguments))
    assert whole.returncode == 0, whole.stderr
    root = tmp_path / "run"
    trainer = start_paused(
        PausePoint("self-play", units=5 * 8), tmp_path / "never",
        *auto(root, *arguments, "--workers", 2),
    )  # fmt: skip
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) > 2, trainer)
    kill(trainer)
    resumed = run(*auto(root, *arguments))
    assert resumed.returncode == 0, resumed.stderr
    assert "blocks were played before" in resumed.stdout
    assert digest_of(newest(root)) == digest_of(newest(tmp_path / "whole"))
    assert not RunLayout(root).archive.exists()


def test_a_run_that_was_killed_before_its_first_checkpoint_is_begun_anew_and_not_archived(
    tmp_path: Path,
) -> None:
    root, config = tmp_path / "run", write_config(tmp_path)
    arguments = auto(root, "--config", config, "--iterations", 1)
    assert run(*arguments).returncode == 0
    layout = RunLayout(root)
    # What a kill leaves that comes after the status and before the checkpoint of the start.
    for path in [*layout.cache.glob("*.pth"), layout.history]:
        path.unlink()
    again = run(*arguments)
    assert again.returncode == 0, again.stderr
    assert [row["iteration"] for row in history_of(root)] == [1]
    assert not layout.archive.exists()


def test_a_run_whose_checkpoints_are_all_damaged_is_refused_and_left_alone(tmp_path: Path) -> None:
    root, config = tmp_path / "run", write_config(tmp_path)
    arguments = auto(root, "--config", config, "--iterations", 1)
    assert run(*arguments).returncode == 0
    damaged = newest(root)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    before = {path: path.stat().st_size for path in root.rglob("*.*")}
    assert_refused(run(*arguments), "without a whole checkpoint", "archive/")
    assert {path: path.stat().st_size for path in root.rglob("*.*")} == before
    damaged.unlink()  # the history is left, and would be archived by a fresh start
    assert_refused(run(*arguments), "without a whole checkpoint")
    assert not RunLayout(root).archive.exists()


def test_what_cannot_change_is_refused_as_with_resume(tmp_path: Path) -> None:
    root, config = tmp_path / "run", write_config(tmp_path)
    assert run(*auto(root, "--config", config, "--iterations", 1)).returncode == 0
    assert_refused(run(*auto(root, "--seed", 8, "--iterations", 2)), "run.seed is 7")
    assert_refused(run(*auto(root, "--resume")), "--auto-resume", "leave out one")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU])
def test_the_signals_of_batch_systems_leave_as_sigterm_does(
    tmp_path: Path, number: signal.Signals
) -> None:
    root = tmp_path / "run"
    arguments = auto(root, "--config", write_config(tmp_path, LONG), "--iterations", 1)
    trainer = start_paused(
        PausePoint("self-play", units=5 * 8), tmp_path / "never", *arguments, "--workers", 2
    )
    wait_until(lambda: len(blocks_in_flight(root, iteration=0)) > 2, trainer)
    trainer.send_signal(number)
    output, _ = trainer.communicate()
    assert trainer.returncode == 128 + number, output
    assert status_of(root)["state"] == "paused"
    assert f"received {number.name}" in output
