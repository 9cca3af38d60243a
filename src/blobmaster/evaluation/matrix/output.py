"""The matrix as a table for a terminal, as a heat map in HTML, and as JSON."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from blobmaster.evaluation.matrix.request import FIRST_LINES, MatrixRequest

if TYPE_CHECKING:
    from blobmaster.evaluation.bootstrap import Estimate
    from blobmaster.evaluation.matrix.table import Cell

SELF: Final = "·"
"""A player at tables of itself."""
WAY_TO_READ: Final = (
    "Points a round that the player of the row is ahead at a table where the player of the column "
    "has all other seats"
)
_STYLE: Final = """
:root { color-scheme: light dark; --page: #fff; --ink: #1b2330; --dim: #5b6675; --ahead: 31 99 196;
    --behind: 194 87 12; }
@media (prefers-color-scheme: dark) { :root { --page: #12151b; --ink: #e4e8ee; --dim: #97a3b3;
    --ahead: 106 169 255; --behind: 245 158 88; } }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; background: var(--page);
    color: var(--ink); font: 1rem/1.45 system-ui, "DejaVu Sans", sans-serif;
    font-variant-numeric: tabular-nums; }
div { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 2px; font-size: .9rem; }
th { font-weight: 600; text-align: left; white-space: nowrap; padding: .2rem .6rem; }
thead th { vertical-align: bottom; white-space: normal; overflow-wrap: anywhere; max-width: 8rem; }
td { padding: .35rem .6rem; text-align: center; border-radius: .25rem; white-space: nowrap; }
td small { display: block; color: var(--dim); }
td.unsure b { font-weight: 400; color: var(--dim); }
p { color: var(--dim); }
@media (max-width: 46rem) { body { margin: 1rem auto; }
    th { white-space: normal; overflow-wrap: anywhere; min-width: 6.5rem; } }
"""


def print_table(request: MatrixRequest, cells: Sequence[Cell]) -> None:
    """Print the table; columns are numbered, as names are long."""
    console = Console(highlight=False, markup=False, width=24 + 30 * len(request.players))
    console.print(f"{WAY_TO_READ}, {described(request)}; 95 % intervals")
    found, names = _by_pair(cells), [player.text for player in request.players]
    numbers = [f"({number})" for number in range(1, len(names) + 1)]
    table = Table("player", *numbers, box=None)
    for number, player in zip(numbers, names, strict=True):
        row = [SELF if other == player else _text(found, player, other) for other in names]
        table.add_row(f"{number} {player}", *row)
    console.print(table)


def document(request: MatrixRequest, cells: Sequence[Cell], seconds: float) -> dict[str, Any]:
    """Build the output of `--json`; an estimate has the keys value, low and high."""
    return {
        "run": str(request.run),
        "players": [player.text for player in request.players],
        "cells": [
            {
                "player": cell.player,
                "others": cell.others,
                "deals": cell.deals,
                "lead": cell.lead._asdict(),
                "exact": cell.exact._asdict(),
                "sure": cell.is_sure,
            }
            for cell in cells
        ],
        "seats": request.settings.players,
        "cards": request.settings.cards,
        "seed": request.seed,
        "seconds": seconds,
    }


def heat_map(request: MatrixRequest, cells: Sequence[Cell]) -> str:
    """Return the whole page; it loads nothing. Blue is ahead, orange behind."""
    names = [player.text for player in request.players]
    found = _by_pair(cells)
    largest = max((abs(cell.lead.value) for cell in cells), default=0.0) or 1.0
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(player)}</th>'
        + "".join(_cell(found.get((player, other)), player == other, largest) for other in names)
        + "</tr>"
        for player in names
    )
    title = html.escape(f"Matrix of {request.run}")
    return (
        f'{FIRST_LINES}<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{WAY_TO_READ}, with 95 % intervals. Blue is ahead, orange behind; grey figures may be "
        f"a tie. {html.escape(described(request)).capitalize()}.</p>"
        f'<div><table><thead><tr><th scope="col">player</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></body></html>\n"
    )


def described(request: MatrixRequest) -> str:
    """Describe what was played."""
    settings = request.settings
    more = ""
    if request.left_out:
        more = f"; {request.left_out} more rated checkpoints are left out (--most)"
    return (
        f"{settings.players} players × {settings.cards} cards, each deal once from every seat, "
        f"seed {request.seed}{more}"
    )


def _cell(cell: Cell | None, is_self: bool, largest: float) -> str:
    if cell is None:
        return f"<td>{SELF if is_self else '—'}</td>"
    colour = "ahead" if cell.lead.value > 0 else "behind"
    # At most half opaque, so that text on it can be read in light and dark. By the root, so that
    # a lead over equals is seen beside that over random players, ten times as large.
    depth = 0.5 * math.sqrt(min(1.0, abs(cell.lead.value) / largest))
    value = f"{cell.lead.value:+.2f}".replace("-", "−")
    interval = f"{cell.lead.low:+.2f} to {cell.lead.high:+.2f}".replace("-", "−")
    unsure = "" if cell.is_sure else ' class="unsure"'
    return (
        f'<td{unsure} style="background: rgb(var(--{colour}) / {depth:.2f})"><b>{value}</b>'
        f"<small>{interval}</small></td>"
    )


def _by_pair(cells: Sequence[Cell]) -> Mapping[tuple[str, str], Cell]:
    return {(cell.player, cell.others): cell for cell in cells}


def _text(found: Mapping[tuple[str, str], Cell], player: str, other: str) -> str:
    cell = found.get((player, other))
    return "—" if cell is None else _signed(cell.lead)


def _signed(found: Estimate) -> str:
    return f"{found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
