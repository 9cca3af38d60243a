"""Every setting is declared once, and all lists of settings follow from the declarations."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from saved_networks import save_network

from blobmaster.cli.setting_flags import taken_from
from blobmaster.cli.settings import settings as settings_command
from blobmaster.cli.train import train
from blobmaster.config.catalogue import Setting, all_settings
from blobmaster.config.compose import RENAMED, as_tables, compose, from_tables
from blobmaster.config.config import Config
from blobmaster.config.rendering import as_markdown, as_toml, toml_value

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

every_setting = pytest.mark.parametrize("setting", list(all_settings()), ids=lambda s: s.name)


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(settings_command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_catalogue_holds_every_key_of_the_settings() -> None:
    listed = {(setting.table, setting.key): setting.default for setting in all_settings()}
    assert listed == {
        (table, key): value
        for table, keys in as_tables(Config()).items()
        for key, value in keys.items()
    }


@every_setting
def test_a_setting_has_a_docstring_of_whole_sentences(setting: Setting) -> None:
    assert setting.meaning.endswith((".", ").")), setting.name
    assert setting.meaning[0].isupper() or setting.meaning[0] == "`"


@every_setting
def test_a_setting_is_in_the_text_and_on_the_page(setting: Setting) -> None:
    assert f" {setting.key} = " in printed()
    assert f"| `{setting.key}` |" in as_markdown()


def test_the_page_of_settings_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run `make docs`"


def test_the_printed_settings_file_is_complete_and_loads_as_the_defaults() -> None:
    tables = tomllib.loads(printed("--toml"))
    assert tables == as_tables(Config())
    assert compose(tables) == Config()


@pytest.mark.parametrize("key", ["4", "noisy-self", "a b", "é", "", 'say "no"', "a.b"])
def test_any_key_of_a_table_is_written_so_that_toml_reads_it(key: str) -> None:
    assert tomllib.loads(f"x = {toml_value({key: 0.5})}") == {"x": {key: 0.5}}
    assert ('"' in toml_value({key: 0.5})) == (key not in ("4", "noisy-self"))


def test_the_settings_file_of_other_values_loads_as_those() -> None:
    changes = {"run": {"iterations": 9}, "rounds": {"players": {4: 0.5, 5: 0.5}}}
    config = compose(changes)
    assert compose(tomllib.loads(as_toml(config))) == config


def test_the_json_has_a_described_schema_and_values_that_load() -> None:
    found = json.loads(printed("--json"))
    assert from_tables(found["values"]) == Config()
    assert found["changed"] == []
    lanes = found["schema"]["$defs"]["SelfPlaySettings"]["properties"]["lanes"]
    assert (lanes["type"], lanes["minimum"], lanes["maximum"]) == ("integer", 1, 65536)
    assert (lanes["default"], lanes["description"][:6]) == (128, "Rounds")


def test_the_settings_of_a_checkpoint_are_printed_with_the_changed_ones_marked(
    tmp_path: Path,
) -> None:
    path = save_network(tmp_path)
    for place in (path, tmp_path):
        text = printed(place)
        marked = [line.split()[1] for line in text.splitlines() if line.startswith("* ")]
        assert "width" in marked
        assert "batch" not in marked
    assert json.loads(printed("--json", path))["changed"].count("network.width") == 1


def test_former_names_are_listed() -> None:
    page = as_markdown()
    for table, names in RENAMED.items():
        for old, new in names.items():
            setting = next(s for s in all_settings() if s.name == f"{table}.{new}")
            assert old in setting.former_names
            assert re.search(rf"Formerly (`\w+`, )*`{old}`", page)


def test_the_flags_of_train_follow_from_the_settings() -> None:
    declared = {
        (name, setting.flag_help)
        for setting in all_settings()
        if setting.flag is not None
        for name in (setting.flag.name, *setting.flag.aliases)
    }
    assert len(declared) >= 9
    offered = {
        (name, (option.help or "").split("  [")[0])
        for option in train.params
        if option.name is not None and "__" in option.name
        for name in option.opts
    }
    assert offered == declared


@pytest.mark.parametrize(
    ("arguments", "tables"),
    [
        ([], {}),
        (["--iterations", "3", "--seed", "0"], {"run": {"iterations": 3, "seed": 0}}),
        (["--enable-curriculum"], {"curriculum": {"enabled": True}}),
        (["--device", "cpu"], {"inference": {"device": "cpu"}}),
        (["--gating-threshold", "0.5"], {"rating": {"gating_threshold": 0.5}}),
        (["--promotion-threshold", "0.5"], {"rating": {"gating_threshold": 0.5}}),
        (["--decide-by", "search"], {"self_play": {"decide_by": "search"}}),
        (["--search", "3x35"], {"search": {"worlds": 3, "simulations": 35}}),
        (["--search", "2×25"], {"search": {"worlds": 2, "simulations": 25}}),
    ],
)
def test_flags_that_are_given_become_a_layer_of_settings(
    arguments: list[str], tables: dict[str, dict[str, object]]
) -> None:
    context = train.make_context("train", arguments)
    assert taken_from(context.params) == tables
