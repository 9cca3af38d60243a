"""What of a run is worth a message: a pure step from what was told and one look to what is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from blobmaster.monitor.alerts import ELO_FALLING
from blobmaster.monitor.facts import number
from blobmaster.monitor.text import words
from blobmaster.monitor.view import View
from blobmaster.run.status.schema import DISK_LOW

EVENT_SCHEMA: Final = 1
RECOVERED: Final = "recovered"
SETTLED_S: Final = 60.0
"""A trouble is over when it has been away for so long; one that comes and goes is told once."""

ENDED: Final = {"finished": "finished", "paused": "paused"}
"""States that a run is meant to come to, with their events."""
TROUBLES: Final = {
    "failed": "failed",
    "dead": "dead",
    "stalled": "stalled",
    "no contact": "no-contact",
    "waiting for disk": "waiting-for-disk",
}
"""The same for those that want a person."""
OVER: Final = frozenset({"finished", "paused", "failed", "dead"})
"""States without a trainer."""
ALERTS: Final = (DISK_LOW, ELO_FALLING)
"""Alerts that are events by their own names, while the run is not over."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One message about one run; as JSON it is what a webhook gets, see docs/monitor.md."""

    schema: int = EVENT_SCHEMA
    id: str
    """The same however often it is sent, also by a watch that was started again."""
    event: str
    """One of the values of `ENDED` and `TROUBLES`, of `ALERTS`, or `recovered`."""
    over: str | None
    """With `recovered`, the event that is over."""
    title: str
    message: str
    run_id: str
    directory: str
    host: str
    """Where the run is, or was."""
    state: str
    iteration: int
    total_iterations: int
    progress: float
    """Completed share of the run, 0 to 1."""
    elo: float | None
    eta_hours: float | None
    resume_command: str | None
    time: str
    """Of the look, ISO 8601 in UTC."""

    @property
    def is_trouble(self) -> bool:
        """Whether a person should do something."""
        return self.event in TROUBLES.values() or self.event in ALERTS


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a run's watchers know."""

    run_id: str = ""
    gone_since: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))
    """Every event that was told and is not over: when it was last found gone (monotonic seconds);
    None while it lasts."""


def step(told: Told, view: View, now: float, wall: float) -> tuple[Told, tuple[Event, ...]]:
    """What is told after a look at monotonic `now` (`wall`: epoch seconds), and what is news.

    A look that is not sure of the run's state changes nothing.
    """
    if not view.run_id or not view.sure:
        return told, ()
    is_new = told.run_id != view.run_id
    before = {} if is_new else dict(told.gone_since)
    lasting = conditions(view)
    if is_new:
        # Its process may have left a last word since the status was read: the next look knows.
        lasting.pop("dead", None)
    after: dict[str, float | None] = dict.fromkeys(lasting)
    news = [
        _event(view, kind, None, what, wall) for kind, what in lasting.items() if kind not in before
    ]
    for kind, since in before.items():
        if kind in lasting or _is_outdated(kind, view.state):
            continue
        gone = now if since is None else since
        if now - gone < SETTLED_S:
            after[kind] = gone
        else:
            what = f"{kind.replace('-', ' ')} no more: {view.state}"
            news.append(_event(view, RECOVERED, kind, what, wall))
    return Told(run_id=view.run_id, gone_since=MappingProxyType(after)), tuple(news)


def _is_outdated(kind: str, state: str) -> bool:
    """Whether an event that lasts no more is simply forgotten, as nobody waits for its end."""
    if kind in ALERTS:
        return state in OVER
    return kind in ENDED.values() or state in (ENDED | TROUBLES)


def conditions(view: View) -> dict[str, str]:
    """The events that this look would justify, each with what it has to say."""
    found = {}
    kind = (ENDED | TROUBLES).get(view.state)
    if kind is not None:
        found[kind] = f"{view.state}: {view.why}" if view.why else view.state
    if view.state not in OVER:
        found |= {alert.kind: alert.message for alert in view.alerts if alert.kind in ALERTS}
    return found


def _event(view: View, kind: str, over: str | None, what: str, wall: float) -> Event:
    elo = number(view.metrics, "elo")
    name = kind if over is None else f"{over} {kind}"
    return Event(
        id=f"{view.run_id}/{view.seq}/{name.replace(' ', '/')}",
        event=kind,
        over=over,
        title=f"{view.run_id}: {name.replace('-', ' ')}",
        message=" | ".join([what, *_where(view, elo)]),
        run_id=view.run_id,
        directory=words.clean(str(Path(view.source).absolute().parent)),
        host=view.host,
        state=view.state,
        iteration=view.iteration,
        total_iterations=view.total_iterations,
        progress=view.progress,
        elo=elo,
        eta_hours=view.eta_hours,
        resume_command=view.next_command,
        time=datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds"),
    )


def _where(view: View, elo: float | None) -> list[str]:
    parts = []
    if view.total_iterations:
        share = words.percent(view.progress)
        parts.append(f"iteration {view.iteration}/{view.total_iterations} ({share})")
    if elo is not None:
        parts.append(f"Elo {elo:.0f}")
    if view.eta_hours is not None:
        parts.append(f"{words.hours(view.eta_hours)} left")
    if view.next_command is not None:
        parts.append(f"resume with: {view.next_command}")
    return parts
