"""The commands that `blobmaster train` advises."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from saved_networks import save_network
from trainer import (
    PausePoint,
    history_of,
    kill,
    newest,
    run,
    start_paused,
    status_of,
    wait_until,
    write_config,
)

from blobmaster.config.compose import Tables, compose
from blobmaster.config.presets import FAST, GAMES
from blobmaster.run.files.layout import DEFAULT_DIRECTORY, RunLayout
from blobmaster.training.next_steps import (
    after_divergence,
    after_training,
    extension,
    train_command,
)

FIVE = compose({"run": {"iterations": 5}, "learning": {"schedule_iterations": 5}})


def words(command: str) -> list[str]:
    """Return a command's words after the program."""
    return shlex.split(command)[1:]


def test_a_run_outside_the_default_directory_is_named_from_the_root_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words(train_command(Path("my runs"), "--resume")) == [
        "train", "--resume", "--checkpoint-dir", str(tmp_path / "my runs"),
    ]  # fmt: skip
    assert words(train_command(DEFAULT_DIRECTORY, "--resume")) == ["train", "--resume"]


def test_a_run_that_is_extended_beyond_its_schedule_is_advised_to_stretch_it() -> None:
    assert words(extension(DEFAULT_DIRECTORY, FIVE, 5)) == [
        "train", "--resume", "--iterations", "10", "--schedule-iterations", "10",
    ]  # fmt: skip
    assert "--schedule-iterations" not in extension(DEFAULT_DIRECTORY, compose(), 5)


@pytest.mark.parametrize(
    "layers",
    [
        [FAST],
        [FAST, {"run": {"iterations": 10, "seed": 3}, "learning": {"schedule_iterations": 10}}],
        [FAST, {"learning": {"threads": 2, "number_format": "bf16"}}],
    ],
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_after_a_quick_run_the_real_one_is_advised(layers: list[Tables], is_finished: bool) -> None:
    advised = after_training(Path("run"), compose(*layers), is_finished=is_finished)
    (real,) = [command for meaning, command in advised.items() if "500 iterations" in meaning]
    assert words(real)[:2] == ["train", "--checkpoint-dir"]


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [{"run": {"iterations": 5}}],
        [FAST, {"network": {"width": 64}}],
        [FAST, {"learning": {"learning_rate": 0.1}}],
        [GAMES, FAST],
    ],
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_no_other_run_is_advised_to_begin_anew_and_so_to_go_to_the_archive(
    layers: list[Tables], is_finished: bool
) -> None:
    advised = after_training(Path("run"), compose(*layers), is_finished=is_finished)
    trains = [words(command) for command in advised.values() if words(command)[0] == "train"]
    assert trains
    assert all("--resume" in command for command in trains)


@pytest.mark.parametrize(
    ("iteration", "flag"), [(3, "--learning-rate 0.00025"), (5, "--last-learning-rate 5e-06")]
)
def test_a_run_that_diverged_is_advised_a_lower_rate(
    tmp_path: Path, iteration: int, flag: str
) -> None:
    (command,) = after_divergence(tmp_path, FIVE, iteration).values()
    assert flag in command


def test_a_run_that_diverged_is_advised_an_earlier_checkpoint(tmp_path: Path) -> None:
    path = save_network(tmp_path)  # iteration 5
    assert len(after_divergence(tmp_path, compose(), 5)) == 1  # the last one diverged from there
    lower, earlier = after_divergence(tmp_path, compose(), 8).values()
    assert "--learning-rate" in lower
    assert words(earlier)[:3] == ["train", "--resume", str(path.absolute())]


def test_a_run_beyond_its_schedule_says_so_and_the_advised_flag_stretches_it(
    tmp_path: Path,
) -> None:
    root = tmp_path / "run"
    config = write_config(tmp_path)
    config.write_text(
        config.read_text().replace("[learning]", "[learning]\nschedule_iterations = 1")
    )
    first = run("train", "--config", config, "--iterations", 1, "--checkpoint-dir", root)
    assert "beyond the learning-rate schedule" not in first.stdout
    assert "--iterations 2 --schedule-iterations 2" in first.stdout
    resume = ("train", "--resume", "--checkpoint-dir", root, "--iterations")
    beyond = run(*resume, 2)
    assert beyond.returncode == 0, beyond.stderr
    assert "iterations 2 to 2 are beyond the learning-rate schedule" in beyond.stdout
    assert "2e-05: --schedule-iterations 2 stretches" in beyond.stdout
    stretched = run(*resume, 3, "--schedule-iterations", 3)
    assert stretched.returncode == 0, stretched.stderr
    assert "beyond the learning-rate schedule" not in stretched.stdout
    assert "learning.schedule_iterations 1 -> 3" in stretched.stdout
    assert newest(root).name.endswith("iter003.pth")
    assert "beyond the learning-rate schedule" in RunLayout(root).log.read_text()


@pytest.mark.parametrize("way", ["in its directory", "in another", "by --auto-resume"])
def test_a_resumed_run_that_is_killed_before_it_commits_goes_on_by_the_command_in_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    first, config = tmp_path / "first run", write_config(tmp_path)
    done = run("train", "--config", config, "--iterations", 1, "--checkpoint-dir", first)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "other" if way == "in another" else first
    monkeypatch.chdir(tmp_path)
    checkpoint = newest(first).relative_to(tmp_path)
    named = ("--resume", checkpoint)
    if way == "by --auto-resume":
        named = ("--auto-resume", "--init-from", checkpoint)
    trainer = start_paused(
        PausePoint("self-play", units=1), tmp_path / "never",
        "train", "--config", "settings.toml", "--iterations=3", "--learning-rate", "1e-4",
        *named, "--checkpoint-dir", root.relative_to(tmp_path),
    )  # fmt: skip
    wait_until(lambda: status_of(root).get("iteration") == 2, trainer)
    kill(trainer)
    monkeypatch.chdir("/")
    resumed = run(*words(status_of(root)["resume_command"]))
    assert resumed.returncode == 0, resumed.stderr
    assert "learning.learning_rate 0.001 -> 0.0001" in resumed.stdout
    assert [row["iteration"] for row in history_of(root)] == [1, 2, 3]
    assert words(status_of(root)["resume_command"]) == [
        "train", "--resume", "--checkpoint-dir", str(root),
    ]  # fmt: skip


def test_a_finished_run_that_is_resumed_into_a_new_directory_names_its_checkpoint(
    tmp_path: Path,
) -> None:
    first, root = tmp_path / "first", tmp_path / "new"
    train = ("train", "--config", write_config(tmp_path), "--iterations", 1)
    assert run(*train, "--checkpoint-dir", first).returncode == 0
    done = run("train", "--resume", newest(first), "--checkpoint-dir", root)
    assert done.returncode == 0, done.stderr
    assert not root.exists()
    told, advised = done.stdout.splitlines()
    assert "has all 1 iterations" in told
    longer = run(*words(advised.strip()))
    assert longer.returncode == 0, longer.stderr
    assert newest(root).name.endswith("iter002.pth")
