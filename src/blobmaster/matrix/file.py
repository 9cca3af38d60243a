"""The file `matrix.json` in a run directory: format, reading and writing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from blobmaster.run.errors import FileMissingError, FileUnusableError
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import output_problem, write_problem
from blobmaster.run.files.read import read_regular

MADE_BY: Final = "blobmaster evaluate --matrix"
FIRST_BYTES: Final = f'{{"made_by":"{MADE_BY}"'
"""First bytes of a matrix file; a file without them is the user's and is never replaced."""
LARGEST_BYTES: Final = 2_000_000
MOST_NAME: Final = 200


class MatrixFileError(Exception):
    """The file cannot be used; `str()` is one line."""


class Estimate(msgspec.Struct, frozen=True):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class MatrixCell(msgspec.Struct, frozen=True, kw_only=True):
    """One player at tables where another has all other seats."""

    player: str
    others: str
    deals: int
    lead: Estimate
    """Points a round above the mean of the other seats."""
    exact: Estimate
    """Share of bids made."""
    sure: bool
    """True if the interval of the lead excludes a tie."""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """A run's rated checkpoints and fixed players at tables of each other."""

    made_by: str = MADE_BY
    run_id: str
    players: tuple[str, ...]
    cells: tuple[MatrixCell, ...]
    seats: int
    cards: int
    seed: int
    left_out: int
    """Rated checkpoints of the run that did not play: they had no room, or were damaged."""


def write(path: Path, matrix: Matrix) -> str | None:
    """Replace the file atomically; return in a line why it was not written, None if it was."""
    if (problem := output_problem(path, FIRST_BYTES)) is not None:
        return problem
    try:
        atomic.replace(path, msgspec.json.encode(matrix))
    except OSError as error:
        return write_problem(path, error)
    return None


def read(path: Path) -> Matrix | None:
    """Read and check a file, whatever lies at its path; return None if there is none.

    Raises:
        MatrixFileError: it is damaged, or not such a file.
    """
    try:
        found = msgspec.json.decode(read_regular(path, LARGEST_BYTES), type=Matrix)
    except FileMissingError:
        return None
    except (FileUnusableError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if found is None or any(_faults(found)):
        raise MatrixFileError(
            f"{path} is damaged or no matrix, and is left out: make it again with {MADE_BY}"
        )
    return found


def _faults(matrix: Matrix) -> Iterator[bool]:
    names = set(matrix.players)
    yield matrix.made_by != MADE_BY
    yield len(names) != len(matrix.players) or not names
    # A name is drawn in a page: without control codes, and not a page long.
    yield any(not name.isprintable() or len(name) > MOST_NAME for name in names)
    for cell in matrix.cells:
        numbers = (*_numbers(cell.lead), *_numbers(cell.exact))
        yield not {cell.player, cell.others} <= names
        yield not all(map(math.isfinite, numbers))


def _numbers(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high
