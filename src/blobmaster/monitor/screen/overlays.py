"""Draws the overlays: a question, the help, and the whole log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from blobmaster.monitor.screen.drawing import BLANK, Line, Span, fit, width_of
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.screen.panels.log import log_line
from blobmaster.run.control.requests import RequestKind

Kind = Literal["none", "question", "help", "log"]
LogFilter = Literal["all", "warnings", "errors"]

LEVELS: Final[dict[LogFilter, tuple[str, ...]]] = {
    "all": ("info", "warning", "error"),
    "warnings": ("warning", "error"),
    "errors": ("error",),
}
TITLES: Final[dict[LogFilter, str]] = {
    "all": "log: all",
    "warnings": "log: warnings and errors",
    "errors": "log: errors",
}
LOG_KEYS: Final = "a all  w warnings  e errors  ↑↓ scroll  q back"

_HELP: Final = """\
p  pause after this iteration; asks
P  pause now, keep blocks done; asks
c  continue: take a pause back
k  keep the next checkpoint for good
l  the log, by level
?  this help
↑↓ Enter  choose, open; Esc  back
q  quit the monitor; the run goes on

The run lives in a process of its own: closing this
screen or losing the connection never touches it.

stalled     alive, but nothing moves any more
dead        its process is gone without a word
no contact  on another machine, no news from it
"""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """The open overlay and its position."""

    kind: Kind = "none"
    request: RequestKind = RequestKind.PAUSE
    """The request that `y` sends, in a question."""
    levels: LogFilter = "all"
    scrolled: int = 0
    """Lines up from the log's end, or down from the help's start."""


NONE: Final = Overlay()


def scroll(overlay: Overlay, lines: int, frame: Frame) -> Overlay:
    """Return the overlay scrolled up by some lines, within its content."""
    most = max(0, len(_content(overlay, frame)) - 1)
    down = -lines if overlay.kind == "help" else lines
    return replace(overlay, scrolled=min(most, max(0, overlay.scrolled + down)))


def draw(overlay: Overlay, frame: Frame) -> list[Line]:
    """Draw the overlay in the frame's size."""
    lines = _content(overlay, frame)
    if overlay.kind == "log":
        end = max(min(frame.height, len(lines)), len(lines) - overlay.scrolled)
        return lines[max(0, end - frame.height) : end]
    start = max(0, min(overlay.scrolled, len(lines) - frame.height))
    return [fit(line, frame.width) for line in lines[start : start + frame.height]]


def size(overlay: Overlay, frame: Frame) -> tuple[int, int]:
    """Return the columns and lines that a question or the help needs, without its border."""
    lines = _content(overlay, frame)
    return max((width_of(line) for line in lines), default=0), len(lines)


def _content(overlay: Overlay, frame: Frame) -> list[Line]:
    if overlay.kind == "question":
        return _question(overlay, frame)
    if overlay.kind == "help":
        return [(Span(text),) for text in _HELP.splitlines()]
    if overlay.kind == "log":
        shown = [line for line in frame.view.log if line.level in LEVELS[overlay.levels]]
        lines = [log_line(line.level, line.text) for line in shown]
        return lines or [(Span("nothing", "dim"),)]
    return []


def _question(overlay: Overlay, frame: Frame) -> list[Line]:
    if overlay.request is RequestKind.PAUSE_NOW:
        pending = ["Pause the run now?", "Running blocks are given up,", "finished ones kept."]
    else:
        number = frame.view.iteration
        iteration = "this iteration" if number is None else f"iteration {number}"
        pending = [f"Pause the run when {iteration} is done?"]
    answers = (Span("y", "accent"), Span(" yes   "), Span("N", "accent"), Span(" no"))
    return [*((Span(text),) for text in pending), BLANK, answers]
