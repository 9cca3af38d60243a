"""The tables of `blobmaster evaluate --by`, and their part of the JSON output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.estimate_texts import percent, plain, signed

if TYPE_CHECKING:
    from blobmaster.evaluation.breakdown.table import Row


def print_breakdown(settings: RatingSettings, tables: Mapping[str, Sequence[Row]]) -> None:
    """Print a table for each dimension; rows of one opponent stand together."""
    console = Console(highlight=False, markup=False, width=200)
    for name, rows in tables.items():
        console.print(f"by {_described(name, settings)}")
        table = Table(
            "against", name, "points a round", "exact bids %", "ahead by", "deals", box=None
        )
        shown = ""
        for row in rows:
            figures = (plain(row.points), percent(row.exact), signed(row.lead), str(row.deals))
            opponent = "" if row.opponent == shown else row.opponent
            table.add_row(opponent, str(row.value), *figures)
            shown = row.opponent
        console.print(table if rows else "no results yet")


def breakdown_document(tables: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Build the part of `--json`: by dimension a list of rows."""
    return {
        name: [
            {
                "value": row.value,
                "player": row.opponent,
                "deals": row.deals,
                **{key: getattr(row, key)._asdict() for key in ("points", "exact", "lead")},
            }
            for row in rows
        ]
        for name, rows in tables.items()
    }


def _described(name: str, settings: RatingSettings) -> str:
    if name == "cards":
        return f"cards dealt, {settings.players} players"
    if name == "players":
        return f"number of players, {settings.cards} cards each"
    return (
        f"seat, 1 bids and leads first, {settings.players} is the dealer; ahead of those who have "
        "the same seat and hand"
    )
