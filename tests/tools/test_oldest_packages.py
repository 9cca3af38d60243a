"""The constraints of `make oldest` are the lower bounds of pyproject.toml, all but torch's."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

import oldest_packages
import pytest
from oldest_packages import lower_bounds
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def test_a_requirement_is_held_at_its_lower_bound_and_torch_is_left_out():
    wanted = ["numba>=0.61,<0.69", "torch>=2.11,<2.14", "ray<3,>=2.55", "PyYAML>=6"]
    assert list(lower_bounds(wanted)) == ["numba==0.61", "ray==2.55", "PyYAML==6"]


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "torch"])
def test_a_requirement_without_a_lower_bound_is_refused(requirement: str):
    with pytest.raises(ValueError, match="has no lower bound"):
        list(lower_bounds([requirement]))


def test_every_dependency_and_every_extra_of_the_project_has_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(ROOT)
    oldest_packages.main(tmp_path / "constraints.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {Requirement(requirement).name for requirement in required}
    lines = (tmp_path / "constraints.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in lines} == names - {"torch"}
