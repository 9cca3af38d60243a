"""Writes the lower bounds of pyproject.toml as constraints of pip, for `make oldest`.

pip takes the newest version of a package that its constraints allow. torch has none here: its
version is `$(TORCH)` of the Makefile, as in every environment.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement


def lower_bounds(requirements: Iterable[str]) -> Iterator[str]:
    """Yield `name==version` for each requirement but torch, with the version of its `>=`.

    Raises:
        ValueError: a requirement has no lower bound.
    """
    for requirement in map(Requirement, requirements):
        lowest = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        if not lowest:
            raise ValueError(f"pyproject.toml: {requirement} has no lower bound: add >= to it")
        if requirement.name != "torch":
            yield f"{requirement.name}=={lowest[0]}"


def main(constraints: Path) -> None:
    """Write the file of constraints."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = lower_bounds(chain(project["dependencies"], *extras))
    constraints.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
