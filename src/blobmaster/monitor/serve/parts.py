"""The parts of the page, one line each: a function from what there is to show to HTML.

A part is sent again only when its HTML has changed. A new part is a function and a line in
`RUN_PARTS`; the page makes an element for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from blobmaster.monitor.facts import facts
from blobmaster.monitor.hosts import ShownHost, cluster_text, host_name, host_text, left_out
from blobmaster.monitor.report.markup import text
from blobmaster.monitor.screen.drawing import STATE_ROLES, UNICODE
from blobmaster.monitor.text import fmt
from blobmaster.monitor.text.plain import disk_text, step_text, time_left
from blobmaster.monitor.view import View
from blobmaster.run.control.requests import RequestKind

MOST_CHECKPOINTS: Final = 20
"""Checkpoints that are listed; the report lists all."""
MOST_LOG_LINES: Final = 100
EXPLAINED_ELSEWHERE: Final = ("waiting", "unreadable", "stalled", "dead", "failed")
"""States whose reason stands among the notices."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The parts of a run's page."""

    view: View
    now: float
    """The reader's wall clock, for dates only."""
    interval: float
    """Seconds between readings."""
    can_write: bool
    """True if the page may send requests to the trainer."""


class Part(NamedTuple):
    """A part of the page."""

    id: str
    draw: Callable[[Shown], str]
    """Returns HTML; empty hides the part."""
    title: str = ""


def title(view: View) -> str:
    """Return the title of the browser's tab, which tells the state at a glance."""
    mark = UNICODE.marks.get(view.state, "")
    done = f" {fmt.percent(view.progress, 0)}" if view.progress is not None else ""
    return f"{mark} {view.state}{done if view.has_status else ''} – {_name(view)}".strip()


def state_badge(view: View) -> str:
    """Return the state in the colour of its role."""
    role = STATE_ROLES.get(view.state, "dim") if view.sure and view.problem is None else "dim"
    mark = UNICODE.marks.get(view.state, "")
    unsure = "" if view.sure else " (unconfirmed)"
    return f'<span class="state {role}">{mark} {text(view.state)}{unsure}</span>'


def _head(shown: Shown) -> str:
    view = shown.view
    where = f" on {view.host}" if view.host else ""
    why = ""
    if view.why and view.state not in EXPLAINED_ELSEWHERE:
        why = f'<p class="dim">{text(view.why)}</p>'
    return (
        f'<header><div><p class="kicker">BlobMaster run{text(where)}</p>'
        f"<h1>{text(_name(view))}</h1></div>{state_badge(view)}</header>{why}"
    )


def _name(view: View) -> str:
    return view.name if view.has_status else "no run yet"


def _notices(shown: Shown) -> str:
    view = shown.view
    told: list[tuple[str, str, str]] = []
    if view.problem is not None and view.has_status:
        age = fmt.duration(view.frame_age_s)
        told.append(("warning", f"last good look {age} ago", view.problem))
    elif view.state in ("waiting", "unreadable"):
        told.append(("warning", view.state, f"{view.why} ({view.source})"))
    if view.state == "failed":
        told.append(("error", "failed", view.why))
    told.extend((alert.level, alert.level, alert.message) for alert in view.alerts)
    if view.request is not None:
        told.append(("warning", "request", view.request))
    lines = "".join(
        f'<li class="{level}"><b>{text(lead)}</b>: <span>{text(message)}</span></li>'
        for level, lead, message in told
    )
    shown_lines = f'<ul class="notices">{lines}</ul>' if lines else ""
    if view.next_command is None:
        return shown_lines
    command = f"<code>{text(view.next_command)}</code>"
    return f'{shown_lines}<p class="resume">{text(view.state)}: resume with {command}</p>'


def _progress(shown: Shown) -> str:
    view = shown.view
    if not view.has_status:
        every = fmt.duration(shown.interval)
        return f"<p>Looks again every {every}; a run that begins appears by itself.</p>"
    return (
        f'<p class="row"><span>iteration <b>{fmt.count(view.iteration)}</b> of '
        f"{fmt.count(view.total_iterations)}</span><b>{fmt.percent(view.progress)}</b></p>"
        f"{meter(view.progress, 'progress of the run')}{_step(view)}{_times(shown)}"
    )


def _step(view: View) -> str:
    if view.step is None:
        return ""
    share = view.step.done / view.step.total if view.step.total > 0 else None
    done = "" if share is None else fmt.percent(share, 0)
    bar = "" if share is None else meter(share, "progress of the step")
    return f'<p class="row"><span>{text(step_text(view))}</span><span>{done}</span></p>{bar}'


def _times(shown: Shown) -> str:
    view = shown.view
    pairs = [("ETA", time_left(view, shown.now)), ("elapsed", fmt.hours(view.elapsed_hours))]
    if view.last_checkpoint_age_s is not None:
        pairs.append(("saved", f"{fmt.duration(view.last_checkpoint_age_s)} ago"))
    return f'<dl class="times">{_pairs(pairs)}</dl>'


def meter(share: float | None, label: str, role: str = "") -> str:
    """Return a bar that is filled to a share of 1."""
    value = min(1.0, max(0.0, share or 0.0))
    return f'<progress class="{role}" value="{value:.4f}" aria-label="{label}"></progress>'


def _figures(shown: Shown) -> str:
    pairs = [(fact.label, fact.text) for fact in facts(shown.view.metrics)]
    return f'<dl class="tiles">{_pairs(pairs)}</dl>' if pairs else ""


def _machine(shown: Shown) -> str:
    view, load = shown.view, shown.view.machine
    rows = []
    if load is not None:
        memory = load.memory_used_bytes / max(1, load.memory_total_bytes)
        rows.append(_load("CPU", load.cpu_percent / 100, f"of {load.cores} cores"))
        rows.append(_load("memory", memory, f"of {fmt.size(load.memory_total_bytes)}"))
        busy = (load.gpu or {}).get("percent")
        if isinstance(busy, int | float):
            rows.append(_load("GPU", busy / 100, "busy"))
        workers = "" if load.workers is None else f"{load.workers} workers, "
        told = f"{workers}{fmt.size(load.rss_bytes)}, load {fmt.fixed(load.load1, 1)}"
        rows.append(f'<p class="row"><span>trainer</span><span>{text(told)}</span></p>')
    if view.disk is not None:
        role = ' class="warning"' if view.disk.low else ""
        rows.append(
            f'<p class="row"><span>disk</span><span{role}>{text(disk_text(view))}</span></p>'
        )
    return "".join(rows)


def _cluster(shown: Shown) -> str:
    cluster = shown.view.cluster
    if cluster is None:
        return ""
    rows = "".join(map(_host, cluster.hosts))
    more = left_out(cluster)
    rest = f'<p class="dim">and {fmt.count(more)} more hosts</p>' if more else ""
    return f"<p>{text(cluster_text(cluster))}</p>{rows}{rest}"


def _host(host: ShownHost) -> str:
    role = ' class="warning"' if host.silent else ""
    told = f"<span{role}>{text(host_text(host))}</span>"
    return f'<p class="row"><span>{text(host_name(host))}</span>{told}</p>'


def _load(name: str, share: float, tail: str) -> str:
    role = "warning" if share > 0.9 and name != "CPU" else ""
    told = f"{fmt.percent(share, 0)} {tail}"
    return (
        f'<p class="row"><span>{name}</span><span>{text(told)}</span></p>{meter(share, name, role)}'
    )


def _checkpoints(shown: Shown) -> str:
    files = shown.view.checkpoints
    if not files:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{fmt.count(file.iteration)}</th>'
        f"<td>{'' if file.elo is None else file.elo}</td><td>{fmt.size(file.bytes)}</td>"
        f'<td>{fmt.age(file.age_s)}</td><td class="word">{"kept" if file.permanent else ""}'
        f"{' resumes here' if file.name == shown.view.resumes_from else ''}</td></tr>"
        for file in files[:MOST_CHECKPOINTS]
    )
    more = len(files) - MOST_CHECKPOINTS
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("iteration", "Elo", "size", "age"))
    left_out = f'<p class="dim">and {more} older ones</p>' if more > 0 else ""
    return (
        f'<table><thead><tr>{heads}<th scope="col" class="word"></th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{left_out}"
    )


def _log(shown: Shown) -> str:
    lines = shown.view.log[-MOST_LOG_LINES:]
    return "".join(f'<li class="{line.level}">{text(line.text)}</li>' for line in lines)


def _controls(shown: Shown) -> str:
    if not (shown.can_write and shown.view.accepts_requests):
        return ""
    buttons = (
        (RequestKind.PAUSE, "Pause"),
        (RequestKind.PAUSE_NOW, "Pause now"),
        (RequestKind.CONTINUE, "Take a pause back"),
        (RequestKind.CHECKPOINT, "Keep the next checkpoint"),
    )
    return "".join(
        f'<button type="button" data-request="{kind.value}"{_question(kind, shown.view)}>'
        f"{label}</button>"
        for kind, label in buttons
    )


def _question(kind: RequestKind, view: View) -> str:
    if kind not in QUESTIONS:
        return ""
    number = "this iteration" if view.iteration is None else f"iteration {view.iteration}"
    return f' data-question="{QUESTIONS[kind].format(iteration=number)}"'


QUESTIONS: Final = {
    RequestKind.PAUSE: "Pause the run when {iteration} is done?",
    RequestKind.PAUSE_NOW: "Pause the run now? Running blocks are given up, finished ones kept.",
}
"""Requests that are confirmed before they are sent."""


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in pairs)


RUN_PARTS: Final = (
    Part("head", _head),
    Part("notices", _notices),
    Part("controls", _controls),
    Part("progress", _progress, "Progress"),
    Part("figures", _figures, "Training"),
    Part("charts", lambda _: "", "Curves"),
    Part("machine", _machine, "Machine"),
    Part("cluster", _cluster, "Cluster"),
    Part("checkpoints", _checkpoints, "Checkpoints"),
    Part("log", _log, "Log"),
)
"""In the order of the page; `curves.py` draws the charts, which change only with the history."""
