"""What each panel of the screen says: pure functions from the view and a size to lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.facts import DOCUMENTED, facts
from blobmaster.monitor.screen.drawing import (
    BLANK,
    Glyphs,
    Line,
    Role,
    Span,
    bar,
    fit,
    spread,
    width_of,
)
from blobmaster.monitor.text import words
from blobmaster.monitor.text.plain import disk_text, step_text, time_left
from blobmaster.monitor.view import View

LOOKS: Final[dict[str, Role]] = {
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


LEAST_WRAP: Final = 20
"""Columns below which a sentence is cut and not wrapped."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a panel is drawn for."""

    view: View
    glyphs: Glyphs
    now: float
    """Wall clock of the reader, for dates alone."""
    can_write: bool
    """Whether requests may be made."""
    from_list: bool = False
    """Whether Esc leads back to a list of runs."""
    interval: float
    """Seconds between looks."""
    width: int
    """Columns of the panel."""
    height: int
    """Lines that it has at most."""


Panel = Callable[[Frame], list[Line]]


def header(frame: Frame) -> list[Line]:
    """The state in words, and which run this is."""
    view = frame.view
    mark = frame.glyphs.marks.get(view.state, "")
    state = f"{mark} {view.state}".strip() + ("" if view.sure else " (unconfirmed)")
    role = LOOKS.get(view.state, "dim") if view.sure else "dim"
    title = " BlobMaster  " if frame.width >= 50 else " "
    left: Line = (Span(title, "strong"), Span(state, role))
    if view.why and view.state not in ("waiting", "unreadable", "stalled", "dead", "failed"):
        left = (*left, Span(f"  {view.why}", "dim"))
    names = (f"  {view.run_id} on {view.host} ", f"  {view.run_id} ") if view.run_id else ()
    for name in names:
        if width_of(left) + len(name) <= frame.width:
            return [spread(left, (Span(name, "dim"),), frame.width)]
    return [fit(left, frame.width)]


def notices(frame: Frame) -> list[Line]:
    """What wants attention: no lines on a good day."""
    view, found = frame.view, list[Line]()
    if view.problem is not None and view.run_id:
        age = words.duration(view.frame_age_s)
        found.append((Span(f" last good look {age} ago ", "warning"), Span(view.problem, "dim")))
    elif view.state in ("waiting", "unreadable"):
        found.append((Span(f" {view.why} ", "warning"), Span(f"({view.source})", "dim")))
    if view.state == "failed":
        found.extend(_told(Span(" failed: ", "error"), view.why, frame.width))
    for alert in view.alerts:
        role: Role = "error" if alert.level == "error" else "warning"
        found.extend(_told(Span(f" {alert.level}: ", role), alert.message, frame.width))
    if view.request is not None:
        found.append((Span(f" {view.request}", "warning"),))
    if view.next_command is not None:
        command = Span(view.next_command, "strong")
        lead = (Span(f" {view.state}: resume with ", "dim"),)
        if width_of((*lead, command)) > frame.width:  # the command must be there to copy, whole
            found.extend([lead, *_wrapped(view.next_command, frame.width)])
        else:
            found.append((*lead, command))
    return found


def _told(lead: Span, text: str, width: int) -> list[Line]:
    """A sentence behind its lead, on three lines at most."""
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


def progress(frame: Frame) -> list[Line]:
    """How far the run is, the step in progress, and when it will be done."""
    view, glyphs = frame.view, frame.glyphs
    if not view.run_id:
        return _waiting(frame)
    iteration = (
        Span("iteration ", "dim"),
        Span(words.count(view.iteration), "strong"),
        Span(f" of {words.count(view.total_iterations)}", "dim"),
    )
    run = [
        spread(iteration, (Span(words.percent(view.progress), "strong"),), frame.width),
        bar(view.progress, frame.width, glyphs, LOOKS.get(view.state, "accent")),
    ]
    step, times = _step(frame), _times(frame)
    if frame.height >= 7:
        return [*run, BLANK, *step, BLANK, times] if step else [*run, BLANK, times]
    if frame.height >= 5:
        return [*run, *step, times]
    return [*run, *step[:1], times][: frame.height]


def _waiting(frame: Frame) -> list[Line]:
    text = "Looks again every " + words.duration(frame.interval)
    return [BLANK, (Span(f"{text}; a run that begins appears by itself.", "dim"),)]


def _step(frame: Frame) -> list[Line]:
    view = frame.view
    if view.step is None:
        return []
    name, _, rest = step_text(view).partition(" ")
    text = (Span(name, "strong"), Span(f" {rest}"))
    if view.step.total <= 0:
        return [text]
    share = view.step.done / view.step.total
    return [
        spread(text, (Span(words.percent(share, 0), "dim"),), frame.width),
        bar(share, frame.width, frame.glyphs),
    ]


def _times(frame: Frame) -> Line:
    view = frame.view
    elapsed: Line = (Span("elapsed ", "dim"), Span(words.hours(view.elapsed_hours)))
    saved = words.duration(view.last_checkpoint_age_s)
    both: Line = (*elapsed, Span("   saved ", "dim"), Span(f"{saved} ago"))
    date = (Span("ETA ", "dim"), Span(time_left(view, frame.now), "strong"))
    eta = (Span("ETA ", "dim"), Span(words.hours(view.eta_hours), "strong"))
    if view.last_checkpoint_age_s is None:
        both = elapsed
    for left, right in ((both, date), (elapsed, date), (elapsed, eta)):
        if width_of((*left, *right)) < frame.width:
            return spread(left, right, frame.width)
    return eta


def figures(frame: Frame) -> list[Line]:
    """The loop's own figures; where they are too many for the room, how many more there are."""
    labels = words.to_ascii if frame.glyphs.plain_ascii else str  # `tau` is wider than τ
    rows = [(labels(fact.label), fact.text) for fact in facts(frame.view.metrics)]
    lines = _table(rows, frame.width)
    if len(lines) <= frame.height or frame.height <= DOCUMENTED:
        return lines[: frame.height]
    hidden = len(lines) - frame.height + 1
    return [*lines[: frame.height - 1], (Span(f"and {hidden} more: see --once", "dim"),)]


def machine(frame: Frame) -> list[Line]:
    """The trainer's machine and disk."""
    view, load = frame.view, frame.view.machine
    rows, lines = list[tuple[str, str]](), list[Line]()
    if load is not None:
        memory = load.memory_used_bytes / max(1, load.memory_total_bytes)
        lines.append(_meter("CPU", load.cpu_percent / 100, f"of {load.cores} cores", frame))
        total = words.size(load.memory_total_bytes)
        lines.append(_meter("memory", memory, f"of {total}", frame))
        lines.extend(_gpu(frame))
    if view.disk is not None:
        rows.append(("disk", disk_text(view)))
    if load is not None:
        workers = "" if load.workers is None else f"{load.workers} workers, "
        rows.append(("trainer", f"{workers}{words.size(load.rss_bytes)}, load {load.load1:.1f}"))
    lines.extend(_table(rows, frame.width, 8))
    return lines[: frame.height] or [(Span("not told", "dim"),)]


def _gpu(frame: Frame) -> list[Line]:
    """The GPU's share and memory where the trainer tells them."""
    gpu = {} if frame.view.machine is None else frame.view.machine.gpu or {}
    busy, used, total = (
        gpu.get(name) for name in ("percent", "memory_used_bytes", "memory_total_bytes")
    )
    if not isinstance(busy, int | float):
        return []
    known = isinstance(used, int | float) and isinstance(total, int | float)
    text = f"{words.size(used)} of {words.size(total)}" if known else "busy"
    return [_meter("GPU", busy / 100, text, frame)]


def _meter(name: str, share: float, text: str, frame: Frame) -> Line:
    role: Role = "warning" if share > 0.9 and name != "CPU" else "accent"
    tail = f" {words.percent(share, 0):>5} {text}"
    room = frame.width - 8 - len(tail)
    if room < 6:
        return (Span(f"{name:<8}", "dim"), Span(tail.strip()))
    return (Span(f"{name:<8}", "dim"), *bar(share, room, frame.glyphs, role), Span(tail))


def checkpoints(frame: Frame) -> list[Line]:
    """The newest checkpoints; the one that a plain resume takes is marked in words."""
    view, lines = frame.view, list[Line]()
    for file in view.checkpoints[: frame.height]:
        rated = "" if file.elo is None else f"Elo {file.elo}"
        here = "resumes here" if file.name == view.resumes_from else ""
        lines.append(
            (
                Span(f"{file.iteration:>4} ", "strong"),
                Span(f"{rated:<9}"),
                Span(f"{words.size(file.bytes):>7} {words.age(file.age_s):>6}  ", "dim"),
                Span(f"{'kept' if file.permanent else '':<5}", "dim"),
                Span(here, "good"),
            )
        )
    return lines or [(Span("none yet", "dim"),)]


def log(frame: Frame) -> list[Line]:
    """The newest lines of the log."""
    lines = [log_line(line.level, line.text) for line in frame.view.log[-frame.height :]]
    return lines or [(Span("empty", "dim"),)]


def log_line(level: str, text: str) -> Line:
    """A line of the log in its level's role; the level's word stands in the text."""
    roles: dict[str, Role] = {"warning": "warning", "error": "error"}
    return (Span(text, roles.get(level, "dim")),)


def footer(frame: Frame) -> list[Line]:
    """The keys that do something now."""
    keys = [("p", "pause"), ("P", "pause now"), ("c", "continue"), ("k", "keep checkpoint")]
    writing = keys if frame.can_write and frame.view.can_be_asked else []
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


def _table(rows: list[tuple[str, str]], width: int, least: int = 0) -> list[Line]:
    """Labels and texts in two columns."""
    column = min(max([least, *(len(label) + 2 for label, _ in rows)]), max(8, width // 2))
    return [(*fit((Span(label, "dim"),), column), Span(text)) for label, text in rows]
