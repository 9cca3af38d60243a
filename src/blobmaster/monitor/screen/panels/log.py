"""The end of the log."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import Line, Role, Span
from blobmaster.monitor.screen.frame import Frame


def draw(frame: Frame) -> list[Line]:
    """Draw the newest lines of the log."""
    lines = [log_line(line.level, line.text) for line in frame.view.log[-frame.height :]]
    return lines or [(Span("empty", "dim"),)]


def log_line(level: str, text: str) -> Line:
    """Return a line of the log in the role of its level; its text names the level."""
    roles: dict[str, Role] = {"warning": "warning", "error": "error"}
    return (Span(text, roles.get(level, "dim")),)
