"""Views of a run and one of its events, for the tests of the watch."""

from __future__ import annotations

from typing import Any

from blobmaster.monitor.alerts import ShownAlert
from blobmaster.monitor.notify.events import Event, WatchState, detect_events
from blobmaster.monitor.view import View


def seen(state: str, *alerts: str, **more: Any) -> View:
    shown = tuple(ShownAlert(kind=kind, level="warning", message=f"{kind}!") for kind in alerts)
    known = {"run_id": "r", "seq": 7, "iteration": 151, "total_iterations": 500, "progress": 0.3}
    fields = {"state": state, "source": "x/status.json", "alerts": shown, **known, **more}
    return View(has_status=bool(fields["run_id"]), **fields)


def an_event(state: str = "failed", **more: Any) -> Event:
    _, (event,) = detect_events(WatchState(), seen(state, **more), 0.0, 1e9)
    return event
