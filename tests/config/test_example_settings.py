"""The files of settings in examples/."""

from __future__ import annotations

from pathlib import Path

import pytest

from blobmaster.config.compose import compose, read_file
from blobmaster.config.config import Config

FILES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_loads_and_ends_with_its_schedule(path: Path):
    config = compose(read_file(path))
    assert config != Config()
    assert config.run.iterations == config.learning.schedule_iterations
