"""The newest checkpoints."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import Line, Span
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt


def draw(frame: Frame) -> list[Line]:
    """Draw the newest checkpoints and mark the one that `--resume` loads."""
    view, lines = frame.view, list[Line]()
    for file in view.checkpoints[: frame.height]:
        rated = "" if file.elo is None else f"Elo {file.elo}"
        here = "resumes here" if file.name == view.resumes_from else ""
        lines.append(
            (
                Span(f"{file.iteration:>4} ", "strong"),
                Span(f"{rated:<9}"),
                Span(f"{fmt.size(file.bytes):>7} {fmt.age(file.age_s):>6}  ", "dim"),
                Span(f"{'kept' if file.permanent else '':<5}", "dim"),
                Span(here, "good"),
            )
        )
    return lines or [(Span("none yet", "dim"),)]
