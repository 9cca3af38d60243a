"""The last line: the keys."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import Line, Span, fit, width_of
from blobmaster.monitor.screen.frame import Frame


def draw(frame: Frame) -> list[Line]:
    """Draw the keys that work now; only the keys if their meanings do not fit."""
    keys = [("p", "pause"), ("P", "pause now"), ("c", "continue"), ("k", "keep checkpoint")]
    writing = keys if frame.can_write and frame.view.accepts_requests else []
    back = [("Esc", "runs")] if frame.from_list else []
    shown = [*writing, ("l", "log"), ("?", "help"), *back, ("q", "quit")]
    for gap, verbose in (("  ", True), (" ", False)):
        line: list[Span] = [Span(" ")]
        for key, does in shown:
            line.append(Span(key, "accent"))
            line.append(Span(f" {does}{gap}" if verbose else gap, "dim"))
        if width_of(line) <= frame.width:
            return [tuple(line)]
    return [fit(line, frame.width)]
