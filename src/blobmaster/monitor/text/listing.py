"""Several runs as one table of texts, a run a row."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from blobmaster.monitor.facts import number
from blobmaster.monitor.text import words
from blobmaster.monitor.view import View

Row = tuple[str, ...]

HEADINGS: Final[Row] = ("run", "state", "progress", "iteration", "Elo", "time left")
_WORDS: Final = 2
"""So many columns hold words, which begin at the left; figures end at the right."""
_GAP: Final = "  "


def names(views: Sequence[View]) -> list[str]:
    """Each run's folder, below what all of them have in common."""
    folders = [Path(view.source).absolute().parent for view in views]
    if len(folders) < 2:
        return [words.clean(str(Path(view.source).parent)) for view in views]
    common = os.path.commonpath(folders)
    return [words.clean(os.path.relpath(folder, common)) for folder in folders]


def table(views: Sequence[View]) -> list[Row]:
    """The headings and a row for each run."""
    rows = zip(names(views), views, strict=True)
    return [HEADINGS, *((name, *_figures(view)) for name, view in rows)]


def page(views: Sequence[View]) -> str:
    """The table as plain text."""
    rows = table(views)
    return "".join(f"{''.join(cells).rstrip()}\n" for cells in aligned(rows, widths(rows)))


def widths(rows: Sequence[Row]) -> list[int]:
    """What each column needs, without the gap after it."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def aligned(rows: Sequence[Row], columns: Sequence[int]) -> list[list[str]]:
    """The cells in these widths, each with the gap after it; what is too long is cut."""
    return [
        [
            (cell.rjust(width) if place >= _WORDS else words.clean(cell, width).ljust(width)) + _GAP
            for place, (cell, width) in enumerate(zip(row, columns, strict=True))
        ]
        for row in rows
    ]


def needed(columns: Sequence[int]) -> int:
    """What a row of such columns takes."""
    return sum(columns) + len(_GAP) * len(columns)


def _figures(view: View) -> Row:
    if not view.run_id:
        return (_state(view), *[words.UNKNOWN] * (len(HEADINGS) - 2))
    elo = number(view.metrics, "elo")
    return (
        _state(view),
        words.percent(view.progress),
        f"{words.count(view.iteration)}/{words.count(view.total_iterations)}",
        words.UNKNOWN if elo is None else f"{elo:.0f}",
        words.hours(view.eta_hours),
    )


def _state(view: View) -> str:
    """The state in words, and whether it is less than certain."""
    if view.problem is not None and view.run_id:
        return f"{view.state}, read {words.duration(view.frame_age_s)} ago"
    return view.state if view.sure else f"{view.state} (unconfirmed)"
