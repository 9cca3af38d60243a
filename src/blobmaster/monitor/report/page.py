"""Writes the report as an HTML page that is well-formed XML as well."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from blobmaster.matrix.heat_map import STYLE, heat_table, legend
from blobmaster.monitor.charts import charts
from blobmaster.monitor.facts import facts
from blobmaster.monitor.metrics import CHARTS, number
from blobmaster.monitor.report.content import Content, SavedCheckpoint
from blobmaster.monitor.report.figure import figure, traces
from blobmaster.monitor.report.markup import attribute, text
from blobmaster.monitor.report.style import CSS
from blobmaster.monitor.screen.drawing import STATE_ROLES
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import CheckpointFile, View

FIRST_LINES: Final = "<!DOCTYPE html>\n<!-- made by blobmaster report -->\n"
"""First lines of every report; a file without them is no report and is never replaced."""
CHARTS_BYTES: Final = 700_000
"""Largest size of all charts, which keeps the page under a megabyte."""
_KINDS: Final = {kind.title: kind for kind in CHARTS}
# A content security policy that loads nothing, even if a run's own texts contained markup.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(content: Content) -> str:
    """Return the whole file."""
    view = content.view
    style = CSS if content.matrix is None else CSS + STYLE
    title = f"{view.name if view.has_status else 'no run yet'} – {view.state}"
    parts = (
        _header(view),
        _alerts(content),
        _tiles(content),
        _charts(content),
        _matrix(content),
        _checkpoints(content),
        _settings(content),
        _footer(content),
    )
    return (
        f'{FIRST_LINES}<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{attribute(_POLICY)}"/>'
        f"<title>{text(title)}</title><style>{style}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _header(view: View) -> str:
    look = STATE_ROLES.get(view.state, "dim")
    role = "dim" if not view.sure or look == "accent" else look
    state = view.state if view.sure else f"{view.state} (unconfirmed)"
    is_alert = any(alert.message == view.why for alert in view.alerts)
    why = f"<p>{text(view.why)}</p>" if view.why and not is_alert else ""
    where = text(f"on {view.host}") if view.host else ""
    return (
        f'<header><div><p class="kicker">BlobMaster run {where}</p>'
        f"<h1>{text(view.name if view.has_status else 'No run has begun here yet')}</h1></div>"
        f'<p class="state {role}">{text(state)}</p></header>{why}\n'
        f'<div class="bar" role="img" aria-label="{attribute(fmt.percent(view.progress))} done">'
        f'<div style="width:{100 * (view.progress or 0.0):.1f}%"></div></div>\n'
    )


def _alerts(content: Content) -> str:
    view = content.view
    told = [(alert.level, alert.message) for alert in view.alerts]
    told += [("warning", note) for note in content.notes]
    if view.request is not None:
        told.append(("warning", view.request))
    entries = "".join(f"<li><b>{level}</b>: {text(message)}</li>" for level, message in told)
    worst = "error" if any(level == "error" for level, _ in told) else "warning"
    shown = f'<ul class="alerts {worst}">{entries}</ul>\n' if told else ""
    if view.next_command is not None:
        shown += f"<p>Go on with it: <code>{text(view.next_command)}</code></p>\n"
    return shown


def _tiles(content: Content) -> str:
    view = content.view
    pairs: list[tuple[str, str]] = []
    if view.has_status:
        done = f"{fmt.count(view.iteration)} of {fmt.count(view.total_iterations)}"
        pairs += [("iteration", done), ("done", fmt.percent(view.progress))]
        pairs += [("trained for", fmt.hours(view.elapsed_hours))]
        if view.eta_hours is not None:
            pairs.append(("time left", fmt.hours(view.eta_hours)))
        pairs += [(fact.label, fact.text) for fact in facts(view.metrics)]
    entries = "".join(f"<div><dt>{text(k)}</dt><dd>{text(v)}</dd></div>" for k, v in pairs)
    return f'<dl class="tiles">{entries}</dl>\n' if pairs else ""


def _charts(content: Content) -> str:
    figures, room, left_out = [], CHARTS_BYTES, 0
    for chart in charts(content.curves):
        shown = traces(chart, content.curves)
        if not shown:
            continue
        drawn = figure(*_chart_texts(chart.title), shown)
        room -= len(drawn.encode())
        if room < 0:
            left_out += 1
        else:
            figures.append(drawn)
    if not figures:
        return "<h2>Curves</h2><p>No iteration is finished yet.</p>\n"
    more = f"<p>{left_out} more curves have no room here.</p>\n" if left_out else ""
    return f'<h2>Curves</h2>\n<div class="charts">{"".join(figures)}</div>{more}\n'


def _chart_texts(title: str) -> tuple[str, str, str]:
    """Return a chart's heading, unit and note: from the catalogue, or the metric's own name."""
    if title in _KINDS:
        kind = _KINDS[title]
        return kind.heading, kind.unit, kind.note
    name = fmt.clean(title, 60)
    return name, name, ""


def _matrix(content: Content) -> str:
    if content.matrix is None:
        return ""
    return (
        f"<h2>Against each other</h2>\n<p>{legend(content.matrix)}</p>"
        f'<div class="card scroll">{heat_table(content.matrix)}</div>\n'
    )


def _checkpoints(content: Content) -> str:
    if not content.checkpoints:
        return "<h2>Checkpoints</h2><p>There is none.</p>\n"
    resumes = content.view.resumes_from or content.checkpoints[0].file.name
    rows = "".join(
        f"<tr>{_checkpoint(saved, resumes, content)}</tr>" for saved in content.checkpoints
    )
    heads = "".join(
        f'<th scope="col"{style}>{head}</th>'
        for head, style in (
            *((head, "") for head in ("iteration", "Elo", "size", "saved", "age")),
            *(("kept", ' class="word"'), ("file", ' class="words"')),
        )
    )
    more = f"<p>And {content.left_out} older ones.</p>" if content.left_out else ""
    return (
        f'<h2>Checkpoints</h2>\n<div class="card scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}</div>\n"
    )


def _checkpoint(saved: SavedCheckpoint, resumes: str, content: Content) -> str:
    file = saved.file
    kept = "for good" if file.permanent else "newest four"
    name = file.name + (" – what --resume takes" if file.name == resumes else "")
    when, age = fmt.UNKNOWN, fmt.UNKNOWN
    if saved.saved_at is not None:
        when, age = (
            _date(saved.saved_at),
            fmt.duration(max(0.0, content.made_at - saved.saved_at)),
        )
    if saved.fault is not None:
        name = f"{file.name} cannot be read: it {saved.fault}"
    elo = "" if file.elo is None else str(file.elo) + _corrected(file, content.view.metrics)
    figures = (elo, fmt.size(file.bytes), when, age)
    cells = "".join(f"<td>{text(cell)}</td>" for cell in figures)
    told = f'<td class="word">{kept}</td><td class="words">{text(name)}</td>'
    return f'<th scope="row">{fmt.count(file.iteration)}</th>{cells}{told}'


def _corrected(file: CheckpointFile, metrics: Mapping[str, Any]) -> str:
    """Return a checkpoint's rating as corrected by later results, if it changed: ` (now 1412)`."""
    pool = metrics.get("pool")
    elo = pool.get(f"iter{file.iteration:03d}") if isinstance(pool, dict) else None
    if not isinstance(elo, list) or not elo:
        return ""
    value = number({"elo": elo[0]}, "elo")
    return "" if value is None or round(value) == file.elo else f" (now {fmt.fixed(value)})"


def _settings(content: Content) -> str:
    if not content.settings:
        return "<h2>Settings</h2><p>No checkpoint tells them.</p>\n"
    cards = "".join(
        f'<div class="card"><h3>{text(table.title or "run")}</h3>{_pairs(table.settings)}</div>'
        for table in content.settings
    )
    return f'<h2>Settings</h2>\n<div class="settings">{cards}</div>\n'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    entries = "".join(f"<dt>{text(label)}</dt><dd>{text(value)}</dd>" for label, value in pairs)
    return f'<dl class="pairs">{entries}</dl>'


def _footer(content: Content) -> str:
    made = f"Made {_date(content.made_at)} by blobmaster report from {content.view.source}."
    return (
        f"<footer><p>{text(made)} Point at a curve to read it. This file loads nothing "
        "from anywhere.</p></footer>"
    )


def _date(at: float) -> str:
    """Format a time in the time zone of the report's author."""
    try:
        return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(at))
    except (OverflowError, OSError, ValueError):
        return fmt.UNKNOWN
