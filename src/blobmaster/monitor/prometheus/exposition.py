"""The view as gauges in the text format that Prometheus's textfile collectors read.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/

Prometheus takes what a scrape finds as the truth of that moment. So gauges of a moment (step, time
left, load, disk) are only there while the run is known to live. Gauges that stay true (progress,
metrics, checkpoints) are always there, beside the age of the status.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from blobmaster.monitor.hosts import ShownCluster
from blobmaster.monitor.metrics import METRICS
from blobmaster.monitor.prometheus.gauges import LABELLED, LASTING, MOMENTARY, VITAL, Gauge
from blobmaster.monitor.read.curves import finite, numbers
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import View

PREFIX: Final = "blobmaster_"
FIRST_LINE: Final = f"# HELP {PREFIX}"
"""First characters of every file of these gauges."""
MOST_OWN: Final = 200
"""Gauges of a loop's own metrics: one may log thousands, and each is a series in a database."""
MOST_ALERTS: Final = 20
STATES: Final = (
    *("waiting", "starting", "running", "pausing", "paused", "finished", "failed"),
    *("waiting for disk", "stalled", "dead", "no contact", "unreadable"),
)
_LIVING: Final = frozenset({"starting", "running", "pausing", "waiting for disk"})

_HELP: Final = LABELLED | {gauge.name: gauge.help for gauge in (*VITAL, *LASTING, *MOMENTARY)}
"""Help of the gauges that describe the run; no metric of the loop may take their names."""
_METRIC_HELP: Final = {metric.name: metric.help for metric in METRICS}
_UNKNOWN_HELP: Final = "A metric of the training loop's own."


class _Sample(NamedTuple):
    name: str
    value: float | None
    """Left out if None: Prometheus has no unknown values, only missing ones."""
    labels: Mapping[str, str] = {}


def exposition(views: Iterable[View], now: float) -> str:
    """Return the gauges of runs read at `now` (Unix time); each gauge's samples are together."""
    families: dict[str, list[str]] = {}
    for view in views:
        directory = str(Path(view.source).absolute().parent)
        run = {"run_id": view.run_id, "directory": directory}
        for sample in _samples(view, now):
            value = None if sample.value is None else finite(sample.value)
            if value is not None:
                line = _line(PREFIX + sample.name, {**run, **sample.labels}, value)
                families.setdefault(sample.name, []).append(line)
    lines: list[str] = []
    for name, samples in families.items():
        lines.append(f"# HELP {PREFIX}{name} {_help(name)}")
        lines.append(f"# TYPE {PREFIX}{name} gauge")
        lines.extend(samples)
    return "".join(f"{line}\n" for line in lines)


def _help(name: str) -> str:
    return _HELP.get(name) or _METRIC_HELP.get(name, _UNKNOWN_HELP)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value!r}".removesuffix(".0")


def _escaped(text: str) -> str:
    """Escape a label's value; `clean` has replaced line feeds and invalid UTF-8 by blanks."""
    return fmt.clean(text).replace("\\", r"\\").replace('"', r"\"")


def _samples(view: View, now: float) -> Iterator[_Sample]:
    yield from _vitals(view, now)
    if not view.has_status:
        return
    yield from _lasting(view)
    if view.state in _LIVING and view.sure and view.problem is None:
        yield from _momentary(view)
    yield from _own(view)


def _of(gauges: Iterable[Gauge], view: View) -> Iterator[_Sample]:
    return (_Sample(gauge.name, gauge.value(view)) for gauge in gauges)


def _vitals(view: View, now: float) -> Iterator[_Sample]:
    for state in STATES:
        yield _Sample("state", state == view.state, {"state": state})
    yield _Sample("monitor_looked_at_seconds", now)
    yield from _of(VITAL, view)
    for level in ("warning", "error"):
        count = sum(alert.level == level for alert in view.alerts)
        yield _Sample("alerts", count, {"level": level})
    for kind in itertools.islice(dict.fromkeys(alert.kind for alert in view.alerts), MOST_ALERTS):
        yield _Sample("alert", 1, {"kind": kind})


def _lasting(view: View) -> Iterator[_Sample]:
    """Yield what stays true of a run that has ended."""
    texts = {
        name: str(view.metrics[name])
        for name in ("phase", "mcts_config")
        if view.metrics.get(name) is not None
    }
    yield _Sample("info", 1, {"host": view.host, **texts})
    yield from _of(LASTING, view)


def _momentary(view: View) -> Iterator[_Sample]:
    """Yield what is true only at this moment."""
    if (step := view.step) is not None:
        labels = {"step": step.name, "unit": step.unit}
        yield _Sample("step_done", step.done, labels)
        yield _Sample("step_total", step.total, labels)
        yield _Sample("step_rate", step.rate, labels)
        yield _Sample("step_seconds_left", step.seconds_left, labels)
    yield from _of(MOMENTARY, view)
    if view.cluster is not None:
        yield from _cluster(view.cluster)
    if view.machine is not None:
        for name, value in numbers(view.machine.gpu or {}):
            yield _Sample("gpu", value, {"measure": name})


def _cluster(cluster: ShownCluster) -> Iterator[_Sample]:
    """Yield the sums of a cluster, and the figures of the hosts that are listed."""
    yield _Sample("cluster_hosts", cluster.host_count)
    yield _Sample("cluster_actors", cluster.actors)
    yield _Sample("cluster_units_per_minute", cluster.units_per_minute)
    yield _Sample("cluster_lost_blocks", cluster.lost_blocks)
    yield _Sample("cluster_repeated_blocks", cluster.repeated_blocks)
    seen = set()
    for host in cluster.hosts:
        labels = {"host": host.name, "address": host.address}
        # Two samples with the same labels would make the whole text invalid.
        if (key := (host.name, host.address)) not in seen:
            seen.add(key)
            yield _Sample("host_actors", host.actors, labels)
            yield _Sample("host_units_per_minute", host.units_per_minute, labels)
            yield _Sample("host_answer_age_seconds", host.answer_age_s, labels)
            yield _Sample("host_silent", int(host.silent), labels)


def _own(view: View) -> Iterator[_Sample]:
    """Yield the loop's own metrics, except those with another gauge's name."""
    found: dict[str, float] = {}
    for name, value in numbers(view.metrics):
        found.setdefault(re.sub(r"[^a-zA-Z0-9_]", "_", name)[:100] or "_", value)
    free = (_Sample(name, value) for name, value in found.items() if name not in _HELP)
    yield from itertools.islice(free, MOST_OWN)
