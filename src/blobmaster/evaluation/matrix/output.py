"""The matrix as a table for a terminal, as a heat map in HTML, as JSON and as the run's file."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from blobmaster.evaluation.estimate_texts import signed
from blobmaster.evaluation.matrix.request import FIRST_LINES, MatrixRequest
from blobmaster.matrix.file import Estimate, Matrix, MatrixCell
from blobmaster.matrix.heat_map import (
    DARK,
    LIGHT,
    SELF,
    STYLE,
    WAY_TO_READ,
    described,
    heat_table,
    legend,
)

if TYPE_CHECKING:
    from blobmaster.evaluation.matrix.table import Cell

_STYLE: Final = f"""
:root {{ color-scheme: light dark; --page: #fff; --ink: #1b2330; --dim: #5b6675; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ --page: #12151b; --ink: #e4e8ee; --dim: #97a3b3;
    {DARK} }} }}
body {{ margin: 2rem auto; max-width: 90rem; padding: 0 1rem; background: var(--page);
    color: var(--ink); font: 1rem/1.45 system-ui, "DejaVu Sans", sans-serif;
    font-variant-numeric: tabular-nums; }}
div {{ overflow-x: auto; }}
p {{ color: var(--dim); }}
@media (max-width: 46rem) {{ body {{ margin: 1rem auto; }} }}
{STYLE}"""


def as_matrix(request: MatrixRequest, cells: Sequence[Cell], run_id: str) -> Matrix:
    """Return the results in the form of the run's file."""
    return Matrix(
        run_id=run_id,
        players=tuple(player.text for player in request.players),
        cells=tuple(
            MatrixCell(
                player=cell.player,
                others=cell.others,
                deals=cell.deals,
                lead=Estimate(*cell.lead),
                exact=Estimate(*cell.exact),
                sure=cell.is_sure,
            )
            for cell in cells
        ),
        seats=request.settings.players,
        cards=request.settings.cards,
        seed=request.seed,
        left_out=request.left_out,
    )


def print_table(matrix: Matrix) -> None:
    """Print the table; columns are numbered, as names are long."""
    console = Console(highlight=False, markup=False, width=24 + 30 * len(matrix.players))
    console.print(f"{WAY_TO_READ}, {described(matrix)}; 95 % intervals")
    found = {(cell.player, cell.others): cell for cell in matrix.cells}
    numbers = [f"({number})" for number in range(1, len(matrix.players) + 1)]
    table = Table("player", *numbers, box=None)
    for number, player in zip(numbers, matrix.players, strict=True):
        row = [SELF if other == player else _text(found, player, other) for other in matrix.players]
        table.add_row(f"{number} {player}", *row)
    console.print(table)


def document(request: MatrixRequest, matrix: Matrix, seconds: float) -> dict[str, Any]:
    """Build the output of `--json`; an estimate has the keys value, low and high."""
    found: dict[str, Any] = msgspec.to_builtins(matrix)
    return {"run": str(request.run), **found, "seconds": seconds}


def heat_map(request: MatrixRequest, matrix: Matrix) -> str:
    """Return the whole page; it loads nothing."""
    title = html.escape(f"Matrix of {request.run}")
    return (
        f'{FIRST_LINES}<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{legend(matrix)}</p><div>{heat_table(matrix)}</div></body></html>\n"
    )


def _text(found: Mapping[tuple[str, str], MatrixCell], player: str, other: str) -> str:
    cell = found.get((player, other))
    return "—" if cell is None else signed(cell.lead)
