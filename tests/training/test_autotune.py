"""The `auto` settings are chosen once, when a run starts, and saved for its resumes."""

from __future__ import annotations

import pytest
from number_formats import skip_unless_possible

from blobmaster.config.compose import compose
from blobmaster.config.config import Config
from blobmaster.inference.precision import PROVEN
from blobmaster.training.autotune import autotuned


def test_no_setting_is_left_on_auto() -> None:
    lines: list[str] = []
    config = autotuned(Config(), lines.append)
    assert config.learning.threads >= 1
    assert config.learning.number_format in ("fp32", "bf16")
    assert config.inference.number_format in PROVEN["lookahead"]
    (line,) = lines
    assert f"is in {config.inference.number_format}: fp32 " in line
    assert autotuned(config, lines.append) == config
    assert lines == [line]  # nothing is measured again


def test_where_int8_is_computed_wrongly_the_settings_say_fp32(monkeypatch) -> None:
    skip_unless_possible("int8")
    small = {"network": {"width": 16, "blocks": 1}, "inference": {"number_format": "int8"}}
    assert autotuned(compose(small)).inference.number_format == "int8"
    monkeypatch.setattr("blobmaster.inference.int8.is_as_expected", lambda *_: False)
    assert autotuned(compose(small)).inference.number_format == "fp32"


@pytest.mark.parametrize("number_format", ["fp32", "bf16"])
def test_chosen_settings_are_kept(number_format: str) -> None:
    config = compose(
        {
            "network": {"width": 16, "blocks": 1},
            "learning": {"threads": 7, "number_format": number_format},
            "inference": {"number_format": number_format},
        }
    )
    assert autotuned(config) == config
