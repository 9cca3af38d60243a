"""The view as gauges in the text format that Prometheus's textfile collectors read.

Prometheus takes whatever a scrape finds for the truth of that moment. So what describes a moment
(step, time left, load, disk) is there only while the run is known to live; what stays true (how
far it came, its figures, its checkpoints) is there always, beside the age of what is known.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from blobmaster.monitor.read.curves import finite, numbers
from blobmaster.monitor.text import words
from blobmaster.monitor.view import View

PREFIX: Final = "blobmaster_"
FIRST_LINE: Final = f"# HELP {PREFIX}"
"""How every file of these gauges begins."""
MOST_OWN: Final = 200
"""A foreign run may log thousands of metrics; each would be a series in a data base."""
MOST_ALERTS: Final = 20
STATES: Final = (
    *("waiting", "starting", "running", "pausing", "paused", "finished", "failed"),
    *("waiting for disk", "stalled", "dead", "no contact", "unreadable"),
)
_LIVING: Final = frozenset({"starting", "running", "pausing", "waiting for disk"})

_HELP: Final = {
    "state": "1 for the state that the run is in, 0 for all others.",
    "state_confirmed": "0 while the state of a remote run is only what its file says.",
    "monitor_looked_at_seconds": "Unix time of this look; if it is old, so is all else here.",
    "status_readable": "0 while the status cannot be read and older figures stand for it.",
    "status_age_seconds": "Since the trainer last wrote its status, as far as it was watched.",
    "info": "Always 1; the labels tell what a number cannot.",
    "alerts": "Alerts of the run, by level.",
    "alert": "1 for every alert that the run has now.",
    "pid": "Process of the trainer on its host.",
    "seq": "Counts the writes of the status.",
    "iteration": "The running iteration, from 1; 0 before the first.",
    "total_iterations": "Iterations that the run is to have.",
    "progress": "Completed share of the run, 0 to 1.",
    "elapsed_seconds": "Time trained.",
    "checkpoints": "Checkpoints in the run directory.",
    "checkpoints_bytes": "Their size.",
    "last_checkpoint_iteration": "Iteration of the newest checkpoint.",
    "last_checkpoint_bytes": "Size of the newest checkpoint.",
    "last_checkpoint_permanent": "1 if the newest checkpoint is kept for good.",
    "last_checkpoint_age_seconds": "Since the newest checkpoint was saved.",
    "eta_seconds": "Until the run is done; missing until it is known.",
    "iteration_seconds_left": "Until the running iteration ends, by the pace of the last few.",
    "step_done": "Units done of the step in progress.",
    "step_total": "Units that the step has; 0 where that is not known.",
    "step_rate": "Units a second.",
    "step_seconds_left": "Until the step ends.",
    "disk_free_bytes": "Free space for the run directory.",
    "disk_total_bytes": "Size of the disk.",
    "disk_low": "1 while the trainer warns of it.",
    "disk_seconds_left": "Until the disk is full at the present rate.",
    "cpu_ratio": "Load of the trainer's machine, 0 to 1.",
    "cores": "Cores of the trainer's machine.",
    "load1": "Its load average over a minute.",
    "memory_used_bytes": "Memory in use on the trainer's machine.",
    "memory_total_bytes": "Memory of the trainer's machine.",
    "trainer_resident_bytes": "Memory of the trainer's process.",
    "workers": "Workers of the trainer.",
    "gpu": "What the trainer tells of its GPU.",
}
_HELP_OF_OWN: Final = "A metric of the training loop's own."


class _Sample(NamedTuple):
    name: str
    value: float | None
    """None is left out: Prometheus knows what is missing, not what is unknown."""
    labels: Mapping[str, str] = {}


def exposition(views: Iterable[View], now: float) -> str:
    """The gauges of these runs, looked at at `now` (Unix time); a metric's samples are together."""
    families: dict[str, list[str]] = {}
    for view in views:
        directory = str(Path(view.source).absolute().parent)
        whose = {"run_id": view.run_id, "directory": directory}
        for sample in _samples(view, now):
            value = None if sample.value is None else finite(sample.value)
            if value is not None:
                line = _line(PREFIX + sample.name, {**whose, **sample.labels}, value)
                families.setdefault(sample.name, []).append(line)
    lines: list[str] = []
    for name, samples in families.items():
        lines.append(f"# HELP {PREFIX}{name} {_HELP.get(name, _HELP_OF_OWN)}")
        lines.append(f"# TYPE {PREFIX}{name} gauge")
        lines.extend(samples)
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value!r}".removesuffix(".0")


def _escaped(text: str) -> str:
    """As the format asks; line feeds and what is no text in UTF-8 are blanks already."""
    return words.clean(text).replace("\\", r"\\").replace('"', r"\"")


def _samples(view: View, now: float) -> Iterator[_Sample]:
    yield from _vitals(view, now)
    if not view.run_id:
        return
    yield from _course(view)
    if view.state in _LIVING and view.sure and view.problem is None:
        yield from _moment(view)
    yield from _own(view)


def _vitals(view: View, now: float) -> Iterator[_Sample]:
    for state in STATES:
        yield _Sample("state", state == view.state, {"state": state})
    yield _Sample("state_confirmed", view.sure)
    yield _Sample("monitor_looked_at_seconds", now)
    yield _Sample("status_readable", view.problem is None)
    yield _Sample("status_age_seconds", view.status_age_s)
    for level in ("warning", "error"):
        count = sum(alert.level == level for alert in view.alerts)
        yield _Sample("alerts", count, {"level": level})
    for kind in itertools.islice(dict.fromkeys(alert.kind for alert in view.alerts), MOST_ALERTS):
        yield _Sample("alert", 1, {"kind": kind})


def _course(view: View) -> Iterator[_Sample]:
    """What stays true of a run that has ended."""
    texts = {
        name: str(view.metrics[name])
        for name in ("phase", "mcts_config")
        if view.metrics.get(name) is not None
    }
    yield _Sample("info", 1, {"host": view.host, **texts})
    yield _Sample("pid", view.pid)
    yield _Sample("seq", view.seq)
    yield _Sample("iteration", view.iteration)
    yield _Sample("total_iterations", view.total_iterations)
    yield _Sample("progress", view.progress)
    yield _Sample("elapsed_seconds", _seconds(view.elapsed_hours))
    yield _Sample("checkpoints", len(view.checkpoints))
    yield _Sample("checkpoints_bytes", sum(file.bytes for file in view.checkpoints))
    if (last := view.last_checkpoint) is not None:
        yield _Sample("last_checkpoint_iteration", last.iteration)
        yield _Sample("last_checkpoint_bytes", last.bytes)
        yield _Sample("last_checkpoint_permanent", last.permanent)
        yield _Sample("last_checkpoint_age_seconds", view.last_checkpoint_age_s)


def _moment(view: View) -> Iterator[_Sample]:
    """What is true now and soon will not be."""
    yield _Sample("eta_seconds", _seconds(view.eta_hours))
    yield _Sample("iteration_seconds_left", view.iteration_seconds_left)
    if (step := view.step) is not None:
        which = {"step": step.name, "unit": step.unit}
        yield _Sample("step_done", step.done, which)
        yield _Sample("step_total", step.total, which)
        yield _Sample("step_rate", step.rate, which)
        yield _Sample("step_seconds_left", step.seconds_left, which)
    if (disk := view.disk) is not None:
        yield _Sample("disk_free_bytes", disk.free_bytes)
        yield _Sample("disk_total_bytes", disk.total_bytes)
        yield _Sample("disk_low", disk.low)
        yield _Sample("disk_seconds_left", _seconds(disk.hours_left))
    if (machine := view.machine) is not None:
        yield _Sample("cpu_ratio", machine.cpu_percent / 100)
        yield _Sample("cores", machine.cores)
        yield _Sample("load1", machine.load1)
        yield _Sample("memory_used_bytes", machine.memory_used_bytes)
        yield _Sample("memory_total_bytes", machine.memory_total_bytes)
        yield _Sample("trainer_resident_bytes", machine.rss_bytes)
        yield _Sample("workers", machine.workers)
        for name, value in numbers(machine.gpu or {}):
            yield _Sample("gpu", value, {"measure": name})


def _own(view: View) -> Iterator[_Sample]:
    """The loop's own metrics, those alone whose name in Prometheus no other gauge has."""
    found: dict[str, float] = {}
    for name, value in numbers(view.metrics):
        found.setdefault(re.sub(r"[^a-zA-Z0-9_]", "_", name)[:100] or "_", value)
    free = (_Sample(name, value) for name, value in found.items() if name not in _HELP)
    yield from itertools.islice(free, MOST_OWN)


def _seconds(hours: float | None) -> float | None:
    return None if hours is None else hours * 3600
