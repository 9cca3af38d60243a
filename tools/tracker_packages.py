"""Prepares the environment of `make trackers`: what it takes from `.venv`, and what pip installs.

`.venv` itself stays as it is. pip sees its packages through a path file, so that torch is not
installed again; the package is taken from `src`.
"""

from __future__ import annotations

import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Final

TRACKERS: Final = ("tensorboard", "wandb", "trackio", "mlflow")


def prepare(environment: Path) -> None:
    """Write the path file and requirements.txt of an environment, with the Python of `.venv`."""
    (libraries,) = environment.glob("lib/python*/site-packages")
    paths = (sysconfig.get_path("purelib"), str(Path("src").absolute()))
    (libraries / "blobmaster.pth").write_text("".join(f"{path}\n" for path in paths))
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = [requirement for name in TRACKERS for requirement in extras[name]]
    (environment / "requirements.txt").write_text("".join(f"{line}\n" for line in wanted))


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
