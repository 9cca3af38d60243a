"""Draws a matrix as an HTML table whose cells are blue where the row's player is ahead."""

from __future__ import annotations

import html
import math
from typing import Final

from blobmaster.matrix.file import Matrix, MatrixCell

SELF: Final = "·"
"""A player at tables of itself."""
WAY_TO_READ: Final = (
    "Points a round that the player of the row is ahead at a table where the player of the column "
    "has all other seats"
)
LIGHT: Final = "--ahead: 31 99 196; --behind: 194 87 12;"
DARK: Final = "--ahead: 106 169 255; --behind: 245 158 88;"
"""Colours that the page's style defines, beside `--dim` for secondary text."""
STYLE: Final = """
table.heat { border-collapse: separate; border-spacing: 2px; width: auto; font-size: .9rem; }
.heat th { font-weight: 600; text-align: left; white-space: nowrap; padding: .2rem .6rem;
    border: 0; }
.heat thead th { vertical-align: bottom; white-space: normal; overflow-wrap: anywhere;
    max-width: 8rem; }
.heat td { padding: .35rem .6rem; text-align: center; border: 0; border-radius: .25rem;
    white-space: nowrap; }
.heat td small { display: block; color: var(--dim); }
.heat td.unsure b { font-weight: 400; color: var(--dim); }
@media (max-width: 46rem) {
    .heat th { white-space: normal; overflow-wrap: anywhere; min-width: 6.5rem; } }
"""


def heat_table(matrix: Matrix) -> str:
    """Return the table; well-formed XML, too."""
    names = matrix.players
    found = {(cell.player, cell.others): cell for cell in matrix.cells}
    largest = max((abs(cell.lead.value) for cell in matrix.cells), default=0.0) or 1.0
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(player)}</th>'
        + "".join(_cell(found.get((player, other)), player == other, largest) for other in names)
        + "</tr>"
        for player in names
    )
    return (
        f'<table class="heat"><thead><tr><th scope="col">player</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def legend(matrix: Matrix) -> str:
    """Return the text that explains the table, as HTML."""
    played = described(matrix)
    return (
        f"{WAY_TO_READ}, with 95 % intervals. Blue is ahead, orange behind; grey figures may be a "
        f"tie. {html.escape(played[:1].upper() + played[1:])}."
    )


def described(matrix: Matrix) -> str:
    """Describe what was played."""
    more = ""
    if matrix.left_out:
        are = "checkpoint is" if matrix.left_out == 1 else "checkpoints are"
        more = f"; {matrix.left_out} more rated {are} left out (--most, or damaged)"
    return (
        f"{matrix.seats} players × {matrix.cards} cards, each deal once from every seat, "
        f"seed {matrix.seed}{more}"
    )


def _cell(cell: MatrixCell | None, is_self: bool, largest: float) -> str:
    if cell is None:
        return f"<td>{SELF if is_self else '—'}</td>"
    colour = "ahead" if cell.lead.value > 0 else "behind"
    # At most half opaque, so that text on it can be read in light and dark. By the root, so that
    # a lead over equals is seen beside that over random players, ten times as large.
    depth = 0.5 * math.sqrt(min(1.0, abs(cell.lead.value) / largest))
    value = f"{cell.lead.value:+.2f}".replace("-", "−")
    interval = f"{cell.lead.low:+.2f} to {cell.lead.high:+.2f}".replace("-", "−")
    unsure = "" if cell.sure else ' class="unsure"'
    return (
        f'<td{unsure} style="background: rgb(var(--{colour}) / {depth:.2f})"><b>{value}</b>'
        f"<small>{interval}</small></td>"
    )
