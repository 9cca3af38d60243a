"""Settings: composed in layers, validated on creation, and light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from blobmaster.config.compose import (
    ConfigError,
    as_tables,
    check_continues,
    compose,
    differences,
    from_tables,
    inherited_settings,
)
from blobmaster.config.config import Config
from blobmaster.config.presets import FAST, GAMES


def test_a_checkpoint_from_before_a_setting_keeps_what_its_run_did():
    tables = as_tables(Config())
    del tables["self_play"]["opponent_styles"]
    del tables["self_play"]["opponents_known"]
    del tables["learning"]["mean_log_from"]
    found = from_tables(tables)
    assert found.self_play.opponent_styles == 0.0 != Config().self_play.opponent_styles
    assert found.self_play.opponents_known == 0.0 != Config().self_play.opponents_known
    assert not found.self_play.adapts
    assert Config().self_play.adapts
    assert found.learning.mean_log_from == 1.0 != Config().learning.mean_log_from


def test_checking_settings_loads_neither_torch_nor_numba() -> None:
    code = (
        "import sys, blobmaster.cli.main, blobmaster.training.command\n"
        "print([m for m in ('torch', 'numba', 'numpy', 'textual') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_command_that_needs_no_settings_does_not_load_them() -> None:
    code = (
        "import sys, blobmaster.cli.main as cli\n"
        "cli.blobmaster.get_command(None, 'monitor')\n"
        "print([m for m in sys.modules if 'blobmaster.config' in m or m == 'torch'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_default_is_the_documented_phase_one() -> None:
    config = Config()
    assert config.run.iterations == 500
    assert str(config.search) == "3×35"
    assert config.run.save_every == 1


def test_later_layers_win_key_by_key() -> None:
    config = compose(FAST, {"search": {"worlds": 4}}, {"run": {"seed": 3}})
    assert config.search.worlds == 4
    assert config.search.simulations == FAST["search"]["simulations"]
    assert config.run.seed == 3
    assert config.run.iterations == 5


def test_settings_are_equal_after_a_round_trip_through_a_checkpoint() -> None:
    config = compose(FAST)
    assert from_tables(as_tables(config)) == config


def test_differences_name_the_setting_and_both_values() -> None:
    assert differences(Config(), compose({"run": {"iterations": 600}})) == [
        "run.iterations 500 -> 600"
    ]


@pytest.mark.parametrize(
    "change", [{"run": {"seed": 9}}, {"network": {"width": 64}}, {"network": {"blocks": 3}}]
)
def test_fixed_settings_cannot_change(change: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ConfigError, match="cannot become"):
        check_continues(Config(), compose(change))


def test_other_settings_can_change() -> None:
    check_continues(Config(), compose({"run": {"iterations": 900}, "search": {"worlds": 5}}))


def test_the_curriculum_makes_later_iterations_cost_more() -> None:
    config = compose({"curriculum": {"enabled": True}, "self_play": {"decide_by": "search"}})
    assert config.get_mcts_params(0) == (1, 15)
    assert config.get_mcts_params(499) == (5, 50)
    assert config.decides_by(499) == "5×50"
    assert config.work(499) == {"self-play": 300 * 9984, "learning": 9984, "rating": 1}
    assert config.work(0) == {"self-play": 30 * 2000, "learning": 2000, "rating": 0}


def test_the_cost_of_lookahead_does_not_depend_on_the_search() -> None:
    config = compose({"curriculum": {"enabled": True}, "self_play": {"decide_by": "lookahead"}})
    assert config.decides_by(499) == "lookahead"
    assert config.work(499) == {"self-play": 9984, "learning": 9984, "rating": 1}


def test_phase_two_plays_games_where_phase_one_plays_rounds() -> None:
    config = compose(GAMES, {"self_play": {"games": 30, "rounds": 900}})
    assert config.plays_games
    assert config.units(7) == 30
    grown = compose({"curriculum": {"enabled": True}}, base=config)
    assert [grown.units(n) for n in (0, 1, 99)] == [2000, 2016, 3584]
    assert compose({"self_play": {"rounds": 900}}).units(7) == 900


def test_search_is_refused_in_phase_two() -> None:
    with pytest.raises(ConfigError, match="decide_by") as caught:
        compose(GAMES, {"self_play": {"decide_by": "search"}})
    assert len(str(caught.value).splitlines()) == 1


def test_a_run_that_starts_from_another_network_measures_its_own_number_format() -> None:
    first = compose({"network": {"width": 32}, "inference": {"number_format": "int8"}})
    assert inherited_settings(first) == compose({"network": {"width": 32}})


@pytest.mark.parametrize(
    ("mix", "words"),
    [
        ({"heuristic": 1.0}, "heuristic"),
        ({"ducker": -1.0, "grabber": 2.0}, "weights must be 0 or more"),
        ({"ducker": 0.0}, "one of them above 0"),
        ({}, "one of them above 0"),
    ],
)
def test_a_mix_of_opponents_that_cannot_be_drawn_is_refused_in_one_line(mix, words) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        compose({"self_play": {"opponent_mix": mix}})
    assert "\n" not in str(refused.value)


def test_a_mix_of_opponents_replaces_the_default_one() -> None:
    config = compose({"self_play": {"opponent_mix": {"noisy-self": 2.0}}})
    assert config.self_play.opponent_mix == {"noisy-self": 2.0}


def test_the_mean_logarithm_is_fitted_only_to_targets_of_a_lookahead():
    for phase in ("rounds", "games"):
        config = compose({"run": {"training_on": phase}})
        assert config.targets == config.learning
    config = compose({"self_play": {"decide_by": "search"}})
    assert config.targets.mean_log_from == 1.0
    assert config.targets.reverse_share(499) == 0.0
