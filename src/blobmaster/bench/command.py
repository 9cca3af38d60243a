"""`blobmaster bench`: measure the figures that the documents quote.

Machines are shared and noisy, so measurements that are compared alternate within one run, are
repeated, and the median is reported. Every part reports its setting.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import cast

from rich.console import Console
from rich.table import Table

from blobmaster.bench.common import Figures
from blobmaster.bench.parts import PARTS
from blobmaster.terminal.console import Tally

WIDTH = 120
"""Columns of the table if there is no terminal to fit it to."""


def run_bench(parts: Sequence[str], *, as_json: bool) -> int:
    """Measure the parts (all if none is named), print the figures, and return the exit status.

    Raises:
        ValueError: a part is unknown, or the working folder cannot be written.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"there is no part {part!r}: choose from {', '.join(PARTS)}")
    found: dict[str, Figures] = {}
    wanted = parts or tuple(PARTS)
    with Tally(Console(stderr=True), "parts", len(wanted)) as tally:
        for part in wanted:
            tally.name(f"measuring {part} …")
            found[part] = measure(part)
            tally.advance(1)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))  # noqa: T201 (the answer)
    else:
        _print_table(found)
    return 0


def measure(part: str) -> Figures:
    """Import a part and measure it."""
    return cast("Figures", resolve_name(PARTS[part])())


def _print_table(found: dict[str, Figures]) -> None:
    table = Table("part", "figure", "value", "setting", box=None)
    for part, figures in found.items():
        notes = [part, figures["setting"]]
        for name, value in figures.items():
            if name != "setting":
                shown = f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
                table.add_row(notes[0], name, shown, notes[1])
                notes = ["", ""]
    console = Console(highlight=False)
    console.print(table, width=max(console.width, WIDTH), soft_wrap=not console.is_terminal)
