"""The first line: the state in words, and the run."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import STATE_ROLES, Line, Span, fit, spread, width_of
from blobmaster.monitor.screen.frame import Frame


def draw(frame: Frame) -> list[Line]:
    """Draw the state and the run's name, as far as there is room."""
    view = frame.view
    mark = frame.glyphs.marks.get(view.state, "")
    state = f"{mark} {view.state}".strip() + ("" if view.sure else " (unconfirmed)")
    role = STATE_ROLES.get(view.state, "dim") if view.sure else "dim"
    title = " BlobMaster  " if frame.width >= 50 else " "
    left: Line = (Span(title, "strong"), Span(state, role))
    if view.why and view.state not in ("waiting", "unreadable", "stalled", "dead", "failed"):
        left = (*left, Span(f"  {view.why}", "dim"))
    long = f"  {view.name} on {view.host} " if view.host else f"  {view.name} "
    names = (long, f"  {view.name} ") if view.has_status else ()
    for name in names:
        if width_of(left) + len(name) <= frame.width:
            return [spread(left, (Span(name, "dim"),), frame.width)]
    return [fit(left, frame.width)]
