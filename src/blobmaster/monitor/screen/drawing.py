"""Lines of styled text as plain data, so that every panel is a pure function of view and size.

A span has a role, not a colour; the screen maps roles to styles. No information is in a role alone:
everything can be read in monochrome.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

from blobmaster.terminal.screen import shows_unicode

Role = Literal["text", "dim", "strong", "accent", "second", "third", "good", "warning", "error"]


class Span(NamedTuple):
    """A run of text in one role."""

    text: str
    role: Role = "text"


Line = tuple[Span, ...]
BLANK: Final[Line] = ()

STATE_ROLES: Final[dict[str, Role]] = {
    "running": "good",
    "finished": "good",
    "starting": "accent",
    "pausing": "warning",
    "paused": "warning",
    "waiting for disk": "error",
    "failed": "error",
    "stalled": "error",
    "dead": "error",
    "unreadable": "error",
    "no contact": "error",
}
"""Role of each state; `dim` for others."""


@dataclass(frozen=True, kw_only=True)
class Glyphs:
    """Drawing characters for a kind of terminal."""

    full: str
    half: str
    empty: str
    dot: str
    marks: Mapping[str, str]
    """Symbol of each state, shown beside its name."""
    braille: bool
    plain_ascii: bool


UNICODE: Final = Glyphs(
    full="━",
    half="╸",
    empty="─",
    dot="·",
    marks={
        "running": "●",
        "starting": "◌",
        "waiting": "◌",
        "pausing": "◐",
        "paused": "‖",
        "finished": "✓",
        "failed": "✗",
        "dead": "✗",
        "stalled": "!",
        "unreadable": "!",
        "waiting for disk": "!",
        "no contact": "?",
    },
    braille=True,
    plain_ascii=False,
)
ASCII: Final = Glyphs(
    full="=", half="-", empty=".", dot="|", marks={}, braille=False, plain_ascii=True
)


def glyphs_for(environment: Mapping[str, str] = os.environ) -> Glyphs:
    """Return Unicode glyphs, or ASCII ones if the locale names another encoding."""
    return UNICODE if shows_unicode(environment) else ASCII


def width_of(line: Iterable[Span]) -> int:
    """Return the width of a line in terminal columns."""
    return sum(cell_len(span.text) for span in line)


def fit(line: Iterable[Span], width: int) -> Line:
    """Return the line in exactly `width` columns, cut with an ellipsis or filled with blanks."""
    spans, left = [], width
    for span in line:
        if left <= 0:
            break
        taken = cell_len(span.text)
        if taken > left:
            span = Span(set_cell_size(span.text, left - 1) + "…", span.role)
            taken = left
        spans.append(span)
        left -= taken
    if left > 0:
        spans.append(Span(" " * left))
    return tuple(spans)


def spread(left: Iterable[Span], right: Iterable[Span], width: int) -> Line:
    """Return two texts at both ends of a line; the left one is cut if they do not fit."""
    right = tuple(right)
    left = tuple(left)
    room = width - width_of(right)
    if room < 8:
        return fit(left, width)
    if width_of(left) <= room:
        return (*fit(left, room), *right)
    return (*fit(left, room - 1), Span(" "), *right)


def bar(share: float, width: int, glyphs: Glyphs, role: Role = "accent") -> Line:
    """Return a progress bar in steps of half a column; it is full only if `share` is 1."""
    halves = int(max(0.0, min(1.0, share)) * 2 * width)
    full, half = divmod(halves, 2)
    done = glyphs.full * full + glyphs.half * half
    return (Span(done, role), Span(glyphs.empty * (width - full - half), "dim"))


def table(rows: Iterable[tuple[str, str]], width: int, least: int = 0) -> list[Line]:
    """Return labels and texts in two columns; the first is at least `least` wide."""
    rows = list(rows)
    column = min(max([least, *(len(label) + 2 for label, _ in rows)]), max(8, width // 2))
    return [(*fit((Span(label, "dim"),), column), Span(text)) for label, text in rows]
