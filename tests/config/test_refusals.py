"""What msgspec refuses is said in the words of the settings."""

from __future__ import annotations

from typing import Any

import pytest

from blobmaster.config.catalogue import Setting, all_settings
from blobmaster.config.compose import ConfigError, compose

every_setting = pytest.mark.parametrize("setting", list(all_settings()), ids=lambda s: s.name)


def refused(table: str, values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        compose({table: values})
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


@every_setting
@pytest.mark.parametrize("value", [None, [1], float("nan"), float("inf")], ids=repr)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(setting: Setting, value: Any) -> None:
    assert refused(setting.table, {setting.key: value}).startswith(f"{setting.name}")


@every_setting
def test_a_key_with_a_letter_too_many_is_answered_with_the_right_one(setting: Setting) -> None:
    assert f"did you mean `{setting.key}`?" in refused(setting.table, {f"{setting.key}x": 1})


@pytest.mark.parametrize("setting", [s for s in all_settings() if s.choices], ids=lambda s: s.name)
def test_a_word_that_is_no_choice_is_answered_with_all_of_them(setting: Setting) -> None:
    text = refused(setting.table, {setting.key: "nothing"})
    assert text == f"{setting.name}: there is no 'nothing'; choose among " + ", ".join(
        setting.choices
    )


def test_what_a_struct_itself_refuses_is_not_reworded() -> None:
    assert refused("rounds", {"players": {2: 1.0}}) == (
        "rounds.players: Blob is for 3 to 8 players, not 2"
    )
