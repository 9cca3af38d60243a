"""Alerts, requests and the command that resumes the run, above the panels."""

from __future__ import annotations

import textwrap
from typing import Final

from blobmaster.monitor.screen.drawing import Line, Role, Span, width_of
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt

LEAST_WRAP: Final = 20
"""Narrowest width in columns at which a message is wrapped and not cut."""


def draw(frame: Frame) -> list[Line]:
    """Draw what needs attention; no lines if nothing does."""
    view, found = frame.view, list[Line]()
    if view.problem is not None and view.has_status:
        age = fmt.duration(view.frame_age_s)
        found.append((Span(f" last good look {age} ago ", "warning"), Span(view.problem, "dim")))
    elif view.state in ("waiting", "unreadable"):
        found.append((Span(f" {view.why} ", "warning"), Span(f"({view.source})", "dim")))
    if view.state == "failed":
        found.extend(_message(Span(" failed: ", "error"), view.why, frame.width))
    for alert in view.alerts:
        role: Role = "error" if alert.level == "error" else "warning"
        found.extend(_message(Span(f" {alert.level}: ", role), alert.message, frame.width))
    if view.request is not None:
        found.append((Span(f" {view.request}", "warning"),))
    if view.next_command is not None:
        command = Span(view.next_command, "strong")
        lead = (Span(f" {view.state}: resume with ", "dim"),)
        if (
            width_of((*lead, command)) > frame.width
        ):  # never cut a command that is there to be copied
            found.extend([lead, *_wrapped(view.next_command, frame.width)])
        else:
            found.append((*lead, command))
    return found


def _message(lead: Span, text: str, width: int) -> list[Line]:
    """Return a message behind its lead, on three lines at most."""
    lines = textwrap.wrap(
        text,
        max(LEAST_WRAP, width - 1),
        initial_indent=" " * len(lead.text),
        subsequent_indent="   ",
        max_lines=3,
        placeholder=" …",
    )
    first, *rest = lines or [""]
    return [(lead, Span(first[len(lead.text) :])), *((Span(line),) for line in rest)]


def _wrapped(text: str, width: int) -> list[Line]:
    return [(Span(text[at : at + width], "strong"),) for at in range(0, len(text), max(1, width))]
