"""Options shared by several commands, and the fast end of a process."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.run.files.layout import DEFAULT_DIRECTORY
from blobmaster.terminal.output import settle

NEWEST = "newest"
"""Value of `--resume` without a path."""


class _NonEmptyPath(click.Path):
    """A path that is not empty: `Path("")` would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; an empty one, as from an unset variable in a script, is refused."""
        if value == "":
            self.fail(
                "the path is empty: name a file or folder, or leave the option out", param, ctx
            )
        return super().convert(value, param, ctx)


PATH = _NonEmptyPath(path_type=Path)
"""Type of every path on the command line."""

directory = click.option(
    "--checkpoint-dir",
    "root",
    type=PATH,
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Run directory.",
)


def end_process(status: int) -> NoReturn:
    """End the process at once, without Python's shutdown; all results must be on disk by now.

    Shutting torch and its threads down took 1.5 s on a busy machine, and a trainer that receives a
    signal promises to be gone within 2 s.
    """
    settle()
    os._exit(status)


def require_unix() -> None:
    """Refuse to start where the system lacks what every run and every screen needs.

    Raises:
        ClickException: this is Windows.
    """
    for name in ("fcntl", "termios"):
        try:
            import_module(name)
        except ImportError:
            raise click.ClickException(
                f"this system has no {name}, as BlobMaster needs it: on Windows, use WSL"
            ) from None
