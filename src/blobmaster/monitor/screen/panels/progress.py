"""Progress of the run, the current step, and the time left."""

from __future__ import annotations

from blobmaster.monitor.screen.drawing import BLANK, STATE_ROLES, Line, Span, bar, spread, width_of
from blobmaster.monitor.screen.frame import Frame
from blobmaster.monitor.text import fmt
from blobmaster.monitor.text.plain import step_text, time_left


def draw(frame: Frame) -> list[Line]:
    """Draw the progress, the step and the times; fewer lines in less room."""
    view, glyphs = frame.view, frame.glyphs
    if not view.has_status:
        return _waiting(frame)
    iteration = (
        Span("iteration ", "dim"),
        Span(fmt.count(view.iteration), "strong"),
        Span(f" of {fmt.count(view.total_iterations)}", "dim"),
    )
    run = [
        spread(iteration, (Span(fmt.percent(view.progress), "strong"),), frame.width),
        bar(view.progress or 0.0, frame.width, glyphs, STATE_ROLES.get(view.state, "accent")),
    ]
    step, times = _step(frame), _times(frame)
    if frame.height >= 7:
        return [*run, BLANK, *step, BLANK, times] if step else [*run, BLANK, times]
    if frame.height >= 5:
        return [*run, *step, times]
    return [*run, *step[:1], times][: frame.height]


def _waiting(frame: Frame) -> list[Line]:
    text = "Looks again every " + fmt.duration(frame.interval)
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
        spread(text, (Span(fmt.percent(share, 0), "dim"),), frame.width),
        bar(share, frame.width, frame.glyphs),
    ]


def _times(frame: Frame) -> Line:
    view = frame.view
    elapsed: Line = (Span("elapsed ", "dim"), Span(fmt.hours(view.elapsed_hours)))
    saved = fmt.duration(view.last_checkpoint_age_s)
    both: Line = (*elapsed, Span("   saved ", "dim"), Span(f"{saved} ago"))
    date = (Span("ETA ", "dim"), Span(time_left(view, frame.now), "strong"))
    eta = (Span("ETA ", "dim"), Span(fmt.eta(view.eta_hours), "strong"))
    if view.last_checkpoint_age_s is None:
        both = elapsed
    short = (Span("ETA ", "dim"), Span(fmt.hours(view.eta_hours), "strong"))
    for left, right in ((both, date), (both, eta), (elapsed, eta), (elapsed, short)):
        if width_of((*left, *right)) < frame.width:
            return spread(left, right, frame.width)
    return eta
