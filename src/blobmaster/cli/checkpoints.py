"""`blobmaster checkpoints list` and `verify`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import directory


@click.group()
def checkpoints() -> None:
    """Look at a run's checkpoints without loading them."""


@checkpoints.command("list")
@directory
def list_checkpoints(root: Path) -> int:
    """List them: iteration, Elo, size, age, and whether each is whole."""
    from blobmaster.cli.checkpoint_list import print_list

    return print_list(root)


@checkpoints.command("verify")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def verify_checkpoints(paths: tuple[Path, ...]) -> int:
    """Read the checkpoints at PATHS and say of each whether it is whole."""
    from blobmaster.cli.checkpoint_list import print_verdicts

    return print_verdicts(paths)
