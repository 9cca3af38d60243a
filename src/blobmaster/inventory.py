"""`blobmaster checkpoints`: what a run directory holds, read without torch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from blobmaster.run.checkpoints import CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.layout import RunLayout

NOT_WHOLE = 1
"""Exit status where a checkpoint is damaged."""


def print_list(root: Path) -> int:
    """Print a line a checkpoint, each read and verified; exit status 1 if one is damaged.

    Raises:
        CheckpointError: there is none.
    """
    entries = CheckpointStore(RunLayout(root)).entries()
    if not entries:
        raise CheckpointError(f"there is no checkpoint in {root}: name a run's --checkpoint-dir")
    table = Table("iteration", "elo", "size", "age", "kept", "whole", "file", box=None)
    damaged = 0
    for entry in entries:
        fault = _fault(entry.path)
        try:
            stat = entry.path.stat()
        except FileNotFoundError:
            continue  # the trainer has rotated it away meanwhile
        damaged += fault is not None
        table.add_row(
            str(entry.name.iteration + 1),
            "" if entry.name.elo is None else str(entry.name.elo),
            decimal(stat.st_size),
            _age(time.time() - stat.st_mtime),
            "for good" if entry.permanent else "newest 4",
            "whole" if fault is None else fault,
            entry.path.name,
        )
    Console(highlight=False, markup=False, width=200).print(table)
    return NOT_WHOLE if damaged else 0


def print_verdicts(paths: Sequence[Path]) -> int:
    """Print a line a file; exit status 1 if one is not a whole checkpoint."""
    damaged = 0
    for path in paths:
        fault = _fault(path)
        damaged += fault is not None
        click.echo(f"{path}: whole" if fault is None else fault)
    return NOT_WHOLE if damaged else 0


def _fault(path: Path) -> str | None:
    try:
        CheckpointStore.read(path)
    except CheckpointError as error:
        return str(error)
    return None


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
