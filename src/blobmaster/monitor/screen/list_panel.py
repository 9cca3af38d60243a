"""Draws the list of runs, by pure functions from views and size to lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.screen.drawing import BLANK, STATE_ROLES, Line, Role, Span, fit, spread
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt
from blobmaster.monitor.text.listing import aligned, needed, table, widths
from blobmaster.monitor.view import View

_GIVEN_UP: Final = (3, 4, 5)
"""Columns that a narrow screen omits, in this order: iteration, Elo, time left."""
_SHORTEST_NAME: Final = 10
_MARK: Final = 2
_AROUND: Final = 3
"""Lines besides the rows: title, headings, keys."""


@dataclass(frozen=True, kw_only=True)
class RunList:
    """The runs and the selected one."""

    views: tuple[View, ...] = ()
    source: str = ""
    """Status file of the selected run; the selection stays with it when others come or go."""
    silent_s: float | None = None
    """Seconds without an answer from the file system, if they are too many."""

    @property
    def index(self) -> int:
        """Index of the selected run; 0 if it is gone."""
        sources = [view.source for view in self.views]
        return sources.index(self.source) if self.source in sources else 0


def draw(shown: RunList, frame: Frame) -> list[Line]:
    """Draw the list in the frame's size, scrolled so that the selected run is visible."""
    rows = table(shown.views)
    room = frame.width - _MARK
    kept = _columns(widths(rows), room)
    rows = [tuple(row[column] for column in kept) for row in rows]
    columns = widths(rows)
    columns[0] = max(1, min(columns[0], columns[0] + room - needed(columns)))
    heading, *body = aligned(rows, columns)
    count = max(1, frame.height - _AROUND)
    first = max(0, min(shown.index - count // 2, len(body) - count))
    lines = [_title(shown, frame), fit((Span("  " + "".join(heading), "dim"),), frame.width)]
    for index in range(first, min(first + count, len(body))):
        chosen = index == shown.index
        lines.append(_row(shown.views[index], body[index], chosen, frame.width))
    lines.extend([BLANK] * (frame.height - 1 - len(lines)))
    return [*lines[: frame.height - 1], _keys(frame.width)]


def _columns(needs: Sequence[int], room: int) -> list[int]:
    """Return the columns that fit beside a name of readable length."""
    needs = [min(needs[0], _SHORTEST_NAME), *needs[1:]]
    kept = list(range(len(needs)))
    for column in _GIVEN_UP:
        if needed([needs[other] for other in kept]) <= room:
            break
        kept.remove(column)
    return kept


def _title(shown: RunList, frame: Frame) -> Line:
    number = len(shown.views)
    amount = {0: "looking for runs", 1: "1 run"}.get(number, f"{number} runs")
    left = (Span(" BlobMaster  ", "strong"), Span(amount, "dim"))
    if shown.silent_s is None:
        return fit(left, frame.width)
    silence = f"the file system has not answered for {fmt.duration(shown.silent_s)} "
    return spread(left, (Span(silence, "warning"),), frame.width)


def _row(view: View, cells: Sequence[str], is_chosen: bool, width: int) -> Line:
    role: Role = "strong" if is_chosen else "text"
    look: Role = STATE_ROLES.get(view.state, "dim") if view.sure and view.problem is None else "dim"
    name, state, *figures = cells
    mark = Span("> " if is_chosen else "  ", "accent")
    return fit((mark, Span(name, role), Span(state, look), Span("".join(figures), role)), width)


def _keys(width: int) -> Line:
    spans = [Span(" ")]
    for key, does in (("↑↓", "choose"), ("Enter", "open"), ("?", "help"), ("q", "quit")):
        spans.extend([Span(key, "accent"), Span(f" {does}  ", "dim")])
    return fit(spans, width)
