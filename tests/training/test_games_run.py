"""Phase 2 from the command line: started from a phase 1, killed, resumed, measured, played."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from trainer import (
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

GAMES = """
[self_play]
games = 6
games_per_block = 2
[rating]
games = 10
games_per_block = 5
doubling_deals = 10
"""


@pytest.fixture(scope="module")
def phase_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last checkpoint of a phase 1."""
    folder = tmp_path_factory.mktemp("one")
    done = run(
        "train", "--config", write_config(folder), "--iterations", 2,
        "--checkpoint-dir", folder / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return newest(folder / "run")


def ordered(folder: Path, origin: Path, *more: object) -> tuple[object, ...]:
    """The arguments that begin a phase 2 in `folder`."""
    config = write_config(folder, GAMES)
    return (
        "train", "--training-on", "games", "--init-from", origin, "--config", config,
        "--checkpoint-dir", folder / "run", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, phase_one: Path) -> Path:
    """A finished phase 2 of five iterations."""
    folder = tmp_path_factory.mktemp("two")
    done = run(*ordered(folder, phase_one, "--iterations", 5))
    assert done.returncode == 0, done.stderr + done.stdout
    assert f"starts from the network of {phase_one}" in done.stdout
    assert "changed since that run: run.training_on rounds -> games" in done.stdout
    return folder / "run"


def test_a_run_on_games_says_so_and_is_rated_by_games(whole: Path) -> None:
    status = status_of(whole)
    assert (status["phase"], status["unit_type"]) == ("games", "games")
    assert status["training_units_generated"] == 6
    assert status["state"] == "finished"
    assert re.fullmatch(r"\d{8}-Blobmaster-v2-\d\.\dM-iter005-elo\d{4}\.pth", newest(whole).name)
    rated = history_of(whole)[-1]
    for name in ("elo", "points_vs_random", "exact_vs_heuristic", "wins_vs_random"):
        assert rated[f"{name}_low"] <= rated[name] <= rated[f"{name}_high"]
    assert 0 <= rated["wins_vs_heuristic"] <= 1
    assert rated["points_vs_random"] < 14  # a round's, not a game's


def test_a_killed_run_on_games_is_bit_identical_to_an_uninterrupted_one(
    tmp_path: Path, whole: Path, phase_one: Path
) -> None:
    root, release = tmp_path / "run", tmp_path / "release"
    arguments = ordered(tmp_path, phase_one, "--iterations", 5, "--workers", 1)
    trainer = start_paused(PausePoint("self-play", 40, nth=2), release, *arguments)
    wait_until(lambda: blocks_in_flight(root, 1), trainer)
    kill(trainer)
    done = run("train", "--resume", "--checkpoint-dir", root, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert "blocks were played before" in done.stdout
    assert digest_of(newest(root)) == digest_of(newest(whole))


def test_phase_two_defaults_to_a_hundred_iterations_and_the_settings_of_phase_one() -> None:
    from blobmaster.config.compose import compose
    from blobmaster.config.presets import GAMES as PRESET

    origin = compose({"run": {"iterations": 7, "seed": 9}, "network": {"width": 32}})
    config = compose(PRESET, base=origin)
    assert (config.run.iterations, config.learning.schedule_iterations) == (100, 100)
    assert (config.run.seed, config.network.width) == (9, 32)
    assert config.self_play.policy_step == 2 * origin.self_play.policy_step


def test_a_phase_two_is_evaluated_against_its_phase_one_on_whole_games(
    whole: Path, phase_one: Path
) -> None:
    done = run(
        "evaluate", newest(whole), "--against", phase_one, "--games", "--cards", 3,
        "--deals", 20, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["games"] is True
    assert [row["player"] for row in found["against"]] == ["untrained", phase_one.stem]
    assert found["against"][1]["points"]["value"] > 14  # a game's
    assert 0 <= found["against"][1]["wins"]["value"] <= 1


def test_a_person_plays_against_a_network_of_games(tmp_path: Path, whole: Path) -> None:
    done = run(
        "play", newest(whole), "--plain", "--pace", 0, "--seed", 3, "--saved", tmp_path / "g",
        "--players", 4, "--cards", 2,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Continue with" in done.stdout or "bid" in done.stdout.lower()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--training-on", "rounds"], ["--init-from", "--training-on games"]),
        (["--config", "[network]\nwidth = 24"], ["width 16", "width 24", "leave out [network]"]),
        (["--config", '[self_play]\ndecide_by = "search"'], ["decide_by", "lookahead"]),
    ],
)
def test_settings_that_do_not_fit_the_origin_are_refused_in_one_line(
    tmp_path: Path, phase_one: Path, more: list[str], words: list[str]
) -> None:
    if more[0] == "--config":
        more = ["--config", str(write_config(tmp_path, more[1]))]
    done = run(
        "train", "--training-on", "games", "--init-from", phase_one, *more,
        "--checkpoint-dir", tmp_path / "run",
    )  # fmt: skip
    assert_refused(done, *words)
    assert not list(tmp_path.rglob("*.pth"))
