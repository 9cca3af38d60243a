"""Detects the events of a run that are worth a message, by a pure function of state and view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from blobmaster.monitor.alerts import ELO_FALLING
from blobmaster.monitor.metrics import number
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import View
from blobmaster.run.status.schema import DISK_LOW, HOST_SILENT

EVENT_SCHEMA: Final = 1
RECOVERED: Final = "recovered"
RECOVERY_S: Final = 60.0
"""A problem is over once it has been absent for this long; one that flickers is reported once."""

ENDED: Final = {"finished": "finished", "paused": "paused"}
"""Events of states that a run is expected to reach."""
TROUBLES: Final = {
    "failed": "failed",
    "dead": "dead",
    "stalled": "stalled",
    "no contact": "no-contact",
    "waiting for disk": "waiting-for-disk",
}
"""Events of states that need the user's attention."""
OVER: Final = frozenset({"finished", "paused", "failed", "dead"})
"""States without a trainer."""
ALERTS: Final = (DISK_LOW, ELO_FALLING, HOST_SILENT)
"""Alerts that are events of the same name, while the run is not over."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A message about a run; a webhook receives it as JSON, see docs/monitor.md."""

    schema: int = EVENT_SCHEMA
    id: str
    """Identifies the event: equal for every delivery, also after a restart of the watch."""
    event: str
    """A value of `ENDED`, `TROUBLES` or `ALERTS`, or `recovered`."""
    over: str | None
    """The event that is over, with `recovered`."""
    title: str
    message: str
    run_id: str
    directory: str
    host: str
    """Host of the trainer."""
    state: str
    iteration: int | None
    total_iterations: int | None
    progress: float | None
    """Completed share of the run, 0 to 1."""
    elo: float | None
    eta_hours: float | None
    resume_command: str | None
    time: str
    """Time of the reading, ISO 8601 in UTC."""

    @property
    def is_trouble(self) -> bool:
        """True if the user should act."""
        return self.event in TROUBLES.values() or self.event in ALERTS


@dataclass(frozen=True, kw_only=True)
class WatchState:
    """The events of a run that were reported and are not over."""

    run_id: str = ""
    cleared_since: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))
    """Reported events with the time since which each is absent, in monotonic seconds; None while
    it lasts."""


def detect_events(
    state: WatchState, view: View, now: float, wall: float
) -> tuple[WatchState, tuple[Event, ...]]:
    """Return the next state and the new events of a view.

    Args:
        state: the state so far.
        view: the view read at monotonic `now`; an unconfirmed one changes nothing.
        now: monotonic seconds.
        wall: epoch seconds.
    """
    if not view.has_status or not view.sure:
        return state, ()
    is_new = state.run_id != view.run_id
    before = {} if is_new else dict(state.cleared_since)
    lasting = conditions(view)
    if is_new:
        # The process may have written a last status after it was read; the next reading shows it.
        lasting.pop("dead", None)
    after: dict[str, float | None] = dict.fromkeys(lasting)
    news = [
        _event(view, kind, None, what, wall) for kind, what in lasting.items() if kind not in before
    ]
    for kind, since in before.items():
        if kind in lasting or _is_outdated(kind, view.state):
            continue
        gone = now if since is None else since
        if now - gone < RECOVERY_S:
            after[kind] = gone
        else:
            what = f"{kind.replace('-', ' ')} no more: {view.state}"
            news.append(_event(view, RECOVERED, kind, what, wall))
    return WatchState(run_id=view.run_id, cleared_since=MappingProxyType(after)), tuple(news)


def _is_outdated(kind: str, state: str) -> bool:
    """Return True if an event that is over needs no message about that."""
    if kind in ALERTS:
        return state in OVER
    return kind in ENDED.values() or state in (ENDED | TROUBLES)


def conditions(view: View) -> dict[str, str]:
    """Return the events that the view justifies, each with its message."""
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
        id=f"{view.name}/{view.seq or view.iteration or 0}/{name.replace(' ', '/')}",
        event=kind,
        over=over,
        title=f"{view.name}: {name.replace('-', ' ')}",
        message=" | ".join([what, *_where(view, elo)]),
        run_id=view.name,
        directory=fmt.clean(str(Path(view.source).absolute().parent)),
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
        share = fmt.percent(view.progress)
        parts.append(f"iteration {fmt.number(view.iteration)}/{view.total_iterations} ({share})")
    if elo is not None:
        parts.append(f"Elo {fmt.fixed(elo)}")
    if view.eta_hours is not None:
        parts.append(f"{fmt.hours(view.eta_hours)} left")
    if view.next_command is not None:
        parts.append(f"resume with: {view.next_command}")
    return parts
