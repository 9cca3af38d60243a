"""Alerts: those of the trainer, and those that the monitor derives itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.read.liveness import Verdict
from blobmaster.monitor.text import fmt
from blobmaster.run.status.schema import DISK_LOW, Status

ELO_FALLING: Final = "elo-falling"


@dataclass(frozen=True, kw_only=True)
class ShownAlert:
    """A condition that needs the user's attention."""

    kind: str
    """The trainer's kind (`disk-low`, `save-failed`, `host-silent`), or `stalled`, `dead`,
    `elo-falling`."""
    level: str
    """`warning` or `error`."""
    message: str


def alerts(status: Status, verdict: Verdict, curves: Mapping[str, Curve]) -> tuple[ShownAlert, ...]:
    """Return all alerts without duplicates, the worst first."""
    found = [
        ShownAlert(
            kind=fmt.clean(alert.kind, 40),
            level="error" if alert.level == "error" else "warning",
            message=fmt.clean(alert.message),
        )
        for alert in status.alerts
    ]
    if verdict.state in ("stalled", "dead"):
        why = fmt.clean(verdict.why)
        found.insert(0, ShownAlert(kind=verdict.state, level="error", message=why))
    has_disk_alert = any("disk" in alert.kind for alert in status.alerts)
    if status.disk is not None and status.disk.low and not has_disk_alert:
        free = f"the disk is nearly full: {fmt.size(status.disk.free_bytes)} left"
        found.append(ShownAlert(kind=DISK_LOW, level="warning", message=free))
    fall = elo_fall(curves)
    if fall is not None:
        found.append(ShownAlert(kind=ELO_FALLING, level="warning", message=fall))
    return tuple(found)


def elo_fall(curves: Mapping[str, Curve]) -> str | None:
    """Return a sentence if the newest rating is significantly below an earlier one, else None.

    It is when its 95 % interval lies entirely below an earlier rating's. Ratings without an
    interval are ignored.
    """
    ratings = _ratings(curves)
    if len(ratings) < 2:
        return None
    *earlier, (_, newest, newest_high) = ratings
    best_low, best = max((low, elo) for low, elo, _ in earlier)
    if newest_high >= best_low:
        return None
    return (
        f"Elo is falling: {fmt.fixed(newest)} (at most {fmt.fixed(newest_high)}) "
        f"after {fmt.fixed(best)} (at least {fmt.fixed(best_low)})"
    )


def _ratings(curves: Mapping[str, Curve]) -> list[tuple[float, float, float]]:
    """Return (low, Elo, high) of every rated iteration, oldest first."""
    if not {"elo", "elo_low", "elo_high"} <= curves.keys():
        return []
    low, high = dict(curves["elo_low"].points), dict(curves["elo_high"].points)
    return [
        (low[iteration], elo, high[iteration])
        for iteration, elo in curves["elo"].points
        if iteration in low and iteration in high
    ]
