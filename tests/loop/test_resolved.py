"""What a machine decides is decided once, when a run starts, and written out for its resumes."""

from __future__ import annotations

import pytest

from blobmaster.config import Config, compose
from blobmaster.loop import resolved


def test_nothing_is_left_for_another_machine_to_decide() -> None:
    config = resolved(Config())
    assert config.learning.threads >= 1
    assert config.learning.number_format in ("fp32", "bf16")
    assert resolved(config) == config


@pytest.mark.parametrize("number_format", ["fp32", "bf16"])
def test_what_was_decided_is_kept(number_format: str) -> None:
    config = compose({"learning": {"threads": 7, "number_format": number_format}})
    assert resolved(config) == config
