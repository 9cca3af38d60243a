"""Several runs as a table of texts with a row per run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from blobmaster.monitor.metrics import number
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import View

Row = tuple[str, ...]

HEADINGS: Final[Row] = ("run", "state", "progress", "iteration", "Elo", "time left")
_TEXT_COLUMNS: Final = 2
"""The first columns hold text, aligned left; the others hold numbers, aligned right."""
_GAP: Final = "  "


def names(views: Sequence[View]) -> list[str]:
    """Return each run's folder, relative to the folder that all of them share."""
    folders = [Path(view.source).absolute().parent for view in views]
    if len(folders) < 2:
        return [fmt.clean(str(Path(view.source).parent)) for view in views]
    common = os.path.commonpath(folders)
    return [fmt.clean(os.path.relpath(folder, common)) for folder in folders]


def table(views: Sequence[View]) -> list[Row]:
    """Return the headings and a row per run."""
    rows = zip(names(views), views, strict=True)
    return [HEADINGS, *((name, *_figures(view)) for name, view in rows)]


def page(views: Sequence[View]) -> str:
    """Return the table as plain text."""
    rows = table(views)
    return "".join(f"{''.join(cells).rstrip()}\n" for cells in aligned(rows, widths(rows)))


def widths(rows: Sequence[Row]) -> list[int]:
    """Return the width that each column needs, without the gap after it."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def aligned(rows: Sequence[Row], columns: Sequence[int]) -> list[list[str]]:
    """Pad or cut the cells to these widths and add the gap after each."""
    return [
        [
            (cell.rjust(width) if place >= _TEXT_COLUMNS else fmt.clean(cell, width).ljust(width))
            + _GAP
            for place, (cell, width) in enumerate(zip(row, columns, strict=True))
        ]
        for row in rows
    ]


def needed(columns: Sequence[int]) -> int:
    """Return the width of a row with columns of these widths."""
    return sum(columns) + len(_GAP) * len(columns)


def _figures(view: View) -> Row:
    if not view.has_status:
        return (_state(view), *[fmt.UNKNOWN] * (len(HEADINGS) - 2))
    elo = number(view.metrics, "elo")
    return (
        _state(view),
        fmt.percent(view.progress),
        f"{fmt.count(view.iteration)}/{fmt.count(view.total_iterations)}",
        fmt.fixed(elo),
        fmt.hours(view.eta_hours),
    )


def _state(view: View) -> str:
    """Return the state, and a remark if it is old or unconfirmed."""
    if view.problem is not None and view.has_status:
        return f"{view.state}, read {fmt.duration(view.frame_age_s)} ago"
    return view.state if view.sure else f"{view.state} (unconfirmed)"
