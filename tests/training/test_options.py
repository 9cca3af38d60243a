"""The settings that follow from the command line of `blobmaster train`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from saved_networks import save_network

from blobmaster.checkpoint.file import read_checkpoint
from blobmaster.cli.setting_flags import taken_from
from blobmaster.cli.train import train
from blobmaster.config.compose import as_tables, compose
from blobmaster.config.config import Config
from blobmaster.training.metrics import status_fields
from blobmaster.training.options import TrainOptions, compose_settings

BY_SEARCH = {"decide_by": "search"}


def options(*arguments: str, **more: Path) -> TrainOptions:
    """Return the options of a command line of flags of settings."""
    context = train.make_context("train", list(arguments))
    return TrainOptions(root=Path("run"), flags=taken_from(context.params), **more)


def settings(*arguments: str) -> Config:
    """Return the settings of a new run."""
    return compose_settings(options(*arguments), None, None)


@pytest.mark.parametrize(
    ("iteration", "search"),
    [(0, "1×15"), (49, "1×15"), (50, "2×25"), (150, "3×35"), (300, "4×45"), (499, "5×50")],
)
def test_the_curriculum_plays_by_the_documented_search_and_the_status_says_so(
    iteration: int, search: str
) -> None:
    config = settings("--enable-curriculum")
    assert config.self_play.decide_by == "search"
    assert status_fields(iteration, 500, {}, config)["mcts_config"] == search


@pytest.mark.parametrize(
    ("arguments", "decides_by"),
    [
        ([], "lookahead"),
        (["--enable-curriculum", "--decide-by", "lookahead"], "lookahead"),
        (["--decide-by", "search"], "3×35"),
        (["--search", "2x25"], "2×25"),
        (["--enable-curriculum", "--training-on", "games"], "lookahead"),
    ],
)
def test_flags_choose_how_self_play_decides(arguments: list[str], decides_by: str) -> None:
    assert settings(*arguments).decides_by(0) == decides_by


def test_the_flag_of_the_curriculum_wins_over_a_complete_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[self_play]\ndecide_by = "lookahead"\n')
    found = compose_settings(options("--enable-curriculum", config_file=file), None, None)
    assert found.decides_by(0) == "1×15"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"curriculum": {"enabled": True}}, "lookahead"),
        ({"curriculum": {"enabled": True}, "self_play": BY_SEARCH}, "1×15"),
        ({}, "1×15"),
    ],
)
def test_a_repeated_flag_changes_no_run_that_already_has_a_curriculum(
    tmp_path: Path, before: dict[str, dict[str, object]], after: str
) -> None:
    checkpoint = read_checkpoint(save_network(tmp_path, compose(before)))
    resumed = compose_settings(options("--enable-curriculum"), checkpoint, None)
    assert resumed.decides_by(0) == after


def test_phase_2_starts_from_a_phase_1_that_was_played_by_search(tmp_path: Path) -> None:
    phase_1 = compose({"curriculum": {"enabled": True}, "self_play": BY_SEARCH})
    origin = read_checkpoint(save_network(tmp_path, phase_1))
    found = compose_settings(options("--training-on", "games"), None, origin)
    assert (found.decides_by(0), found.units(0)) == ("lookahead", 2000)


def test_a_run_that_begins_without_flags_has_the_settings_that_it_always_had() -> None:
    assert as_tables(settings()) == msgspec.to_builtins(Config(), str_keys=True)


@pytest.mark.parametrize(
    ("arguments", "rounds", "ratio"),
    [
        ([], 8000, 1.0),
        (["--decide-by", "search"], 2000, 4.0),
        (["--enable-curriculum"], 2000, 4.0),
        (["--enable-curriculum", "--decide-by", "lookahead"], 2000, 1.0),
    ],
)
def test_a_run_by_search_plays_fewer_rounds_and_learns_more_from_each(
    arguments: list[str], rounds: int, ratio: float
) -> None:
    found = settings(*arguments)
    assert (found.units(0), found.learning.replay_ratio) == (rounds, ratio)
    # The worlds of a search hide who holds the seats.
    assert found.self_play.opponents_known == (0.0 if ratio > 1 else 0.5)


def test_phase_2_fits_the_mean_logarithm_early() -> None:
    assert settings().targets.mean_log_from == 0.7
    assert settings("--training-on", "games").targets.mean_log_from == 0.3


def test_a_settings_file_wins_over_the_preset_of_search(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[self_play]\nrounds = 77\n[learning]\nreplay_ratio = 2\n")
    found = compose_settings(options("--decide-by", "search", config_file=file), None, None)
    assert (found.units(0), found.learning.replay_ratio) == (77, 2.0)
