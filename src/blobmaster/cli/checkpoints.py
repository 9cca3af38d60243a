"""`blobmaster checkpoints`: lists and verifies checkpoints without torch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from blobmaster.cli.shared import PATH, directory
from blobmaster.run.checkpoints.store import CheckpointEntry, CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.history import START, read_rows
from blobmaster.run.files.layout import RunLayout

DAMAGED = 1
"""Exit status if a checkpoint is damaged."""


@click.group()
def checkpoints() -> None:
    """List or verify checkpoints, without loading their networks."""


@checkpoints.command("list")
@click.argument("folder", metavar="[DIR]", required=False, type=PATH)
@directory
def list_checkpoints(folder: Path | None, root: Path) -> int:
    """List a run's checkpoints: iteration, Elo, size, age, and if the file is intact."""
    return print_list(folder or root)


@checkpoints.command("verify")
@click.argument("paths", nargs=-1, required=True, type=PATH)
def verify_checkpoints(paths: tuple[Path, ...]) -> int:
    """Read the checkpoints at PATHS and check that each is intact.

    Of a run directory, all are read.
    """
    return print_verdicts([file for path in paths for file in _files_at(path)])


def print_list(root: Path) -> int:
    """Verify and print each checkpoint of a run; return 1 if one is damaged, else 0.

    Raises:
        CheckpointError: the run has no checkpoint.
    """
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table

    entries = _entries_of(root)
    corrected = corrected_elos(RunLayout(root).history)
    table = Table("iteration", "elo", "elo now", "size", "age", "kept", "whole", "file", box=None)
    faults: list[str] = []
    for entry, found in zip(entries, _read_all([entry.path for entry in entries]), strict=True):
        run_id = None if isinstance(found, str) else found.identity.run_id
        try:
            stat = entry.path.stat()
        except FileNotFoundError:
            continue  # the trainer has rotated it out since it was listed
        if isinstance(found, str):
            faults.append(found)
        table.add_row(
            str(entry.name.iteration + 1),
            "" if entry.name.elo is None else str(entry.name.elo),
            corrected.get((run_id, f"iter{entry.name.iteration + 1:03d}"), ""),
            decimal(stat.st_size),
            _age(time.time() - stat.st_mtime),
            "for good" if entry.permanent else "newest 4",
            "damaged" if isinstance(found, str) else "whole",
            entry.path.name,
        )
    Console(highlight=False, markup=False, width=200).print(table)
    for fault in faults:
        click.echo(fault)
    return DAMAGED if faults else 0


def _entries_of(root: Path) -> list[CheckpointEntry]:
    """List the checkpoints of a run directory, at least one.

    Raises:
        CheckpointError: it has none, or cannot be read.
    """
    try:
        entries = CheckpointStore(RunLayout(root)).entries()
    except OSError as error:
        raise CheckpointError(
            f"cannot read the run directory {root}: {error.strerror}; name another"
        ) from None
    if not entries:
        raise CheckpointError(f"there is no checkpoint in {root}: name a run directory")
    return entries


def _files_at(path: Path) -> list[Path]:
    """Return the checkpoints of a run directory; any other path as it is."""
    return [entry.path for entry in _entries_of(path)] if path.is_dir() else [path]


def print_verdicts(paths: Sequence[Path]) -> int:
    """Print one line per file; return 1 if one is not an intact checkpoint, else 0."""
    damaged = 0
    verdicts: Iterable[CheckpointMeta | str] = _read_all(paths)
    if sys.stdout.isatty():
        verdicts = list(verdicts)  # above a bar, rich would break long paths into lines
    for path, found in zip(paths, verdicts, strict=True):
        damaged += isinstance(found, str)
        click.echo(found if isinstance(found, str) else f"{path}: whole")
    return DAMAGED if damaged else 0


def corrected_elos(history: Path) -> dict[tuple[str | None, str], str]:
    """Return the Elo of each network, with its interval, as estimated by the newest rating.

    Every rating estimates the Elo of all earlier networks again, from all matches so far.

    Args:
        history: the run's history file. Missing files and malformed rows are skipped.

    Returns:
        Text such as `1412 (1390 to 1433)`, by run id and network name.
    """
    found: dict[tuple[str | None, str], str] = {}
    cursor, more = START, True
    while more:
        try:
            part = read_rows(history, cursor)
        except OSError:
            return found
        for row in part.rows:
            pool = row.metrics.get("pool")
            for name, elo in pool.items() if isinstance(pool, dict) else ():
                found[row.run_id, name] = _with_interval(elo)
        cursor, more = part.cursor, part.more
    return found


def _with_interval(elo: Any) -> str:
    """Format `[1412, 1390, 1433]` as `1412 (1390 to 1433)`; anything else as an empty string."""
    try:
        value, low, high = (float(number) for number in elo)
    except (TypeError, ValueError):
        return ""
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def _read_all(paths: Sequence[Path]) -> Iterator[CheckpointMeta | str]:
    """Read the files one after another, with a bar on a terminal; see `_read`."""
    from rich.console import Console

    from blobmaster.terminal.console import Tally

    with Tally(Console(stderr=True), "checkpoints", len(paths)) as tally:
        for path in paths:
            found = _read(path)
            tally.advance(1)
            yield found


def _read(path: Path) -> CheckpointMeta | str:
    """Return the metadata of an intact checkpoint, or a description of the fault."""
    try:
        return CheckpointStore.read(path)[1]
    except CheckpointError as error:
        return str(error)


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
