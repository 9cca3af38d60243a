"""Metrics of the training loop."""

from __future__ import annotations

from blobmaster.monitor.facts import DOCUMENTED, facts
from blobmaster.monitor.screen.drawing import Line, Span, table
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt


def draw(frame: Frame) -> list[Line]:
    """Draw the metrics; if there are too many for the room, count the others."""
    labels = fmt.to_ascii if frame.glyphs.plain_ascii else str  # `tau` is wider than τ
    rows = [(labels(fact.label), fact.text) for fact in facts(frame.view.metrics)]
    lines = table(rows, frame.width)
    if len(lines) <= frame.height or frame.height <= DOCUMENTED:
        return lines[: frame.height]
    hidden = len(lines) - frame.height + 1
    return [*lines[: frame.height - 1], (Span(f"and {hidden} more: see --once", "dim"),)]
