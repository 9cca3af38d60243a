"""The gauges that describe a run: name, help and value, one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from blobmaster.monitor.view import View
from blobmaster.run.status.schema import Disk, LastCheckpoint, Machine


class Gauge(NamedTuple):
    """A gauge without labels of its own."""

    name: str
    help: str
    value: Callable[[View], float | None]
    """None leaves the gauge out."""


def _seconds(hours: float | None) -> float | None:
    return None if hours is None else hours * 3600


def _of_checkpoint(value: Callable[[LastCheckpoint], float]) -> Callable[[View], float | None]:
    return lambda view: None if view.last_checkpoint is None else value(view.last_checkpoint)


def _of_disk(value: Callable[[Disk], float | None]) -> Callable[[View], float | None]:
    return lambda view: None if view.disk is None else value(view.disk)


def _of_machine(value: Callable[[Machine], float | None]) -> Callable[[View], float | None]:
    return lambda view: None if view.machine is None else value(view.machine)


def _checkpoint_age(view: View) -> float | None:
    return None if view.last_checkpoint is None else view.last_checkpoint_age_s


VITAL: Final = (
    Gauge(
        "state_confirmed",
        "0 while a remote run's state is only what its file says.",
        lambda view: view.sure,
    ),
    Gauge(
        "status_readable",
        "0 while the status cannot be read; the figures are older then.",
        lambda view: view.problem is None,
    ),
    Gauge(
        "status_age_seconds",
        "Time since the trainer was last seen to write its status.",
        lambda view: view.status_age_s,
    ),
)
"""Gauges that are there for every directory, with or without a run."""

LASTING: Final = (
    Gauge("pid", "Process id of the trainer on its host.", lambda view: view.pid or None),
    Gauge("seq", "Number of the status's last write.", lambda view: view.seq or None),
    Gauge(
        "iteration",
        "Current iteration, from 1; 0 before the first.",
        lambda view: view.iteration,
    ),
    Gauge("total_iterations", "Iterations of the whole run.", lambda view: view.total_iterations),
    Gauge("progress", "Completed share of the run, 0 to 1.", lambda view: view.progress),
    Gauge("elapsed_seconds", "Training time.", lambda view: _seconds(view.elapsed_hours)),
    Gauge("checkpoints", "Checkpoints in the run directory.", lambda view: len(view.checkpoints)),
    Gauge(
        "checkpoints_bytes",
        "Size of all checkpoints.",
        lambda view: sum(file.bytes for file in view.checkpoints),
    ),
    Gauge(
        "last_checkpoint_iteration",
        "Iteration of the newest checkpoint.",
        _of_checkpoint(lambda last: last.iteration),
    ),
    Gauge(
        "last_checkpoint_bytes",
        "Size of the newest checkpoint.",
        _of_checkpoint(lambda last: last.bytes),
    ),
    Gauge(
        "last_checkpoint_permanent",
        "1 if the newest checkpoint is permanent.",
        _of_checkpoint(lambda last: last.permanent),
    ),
    Gauge(
        "last_checkpoint_age_seconds",
        "Time since the newest checkpoint was saved.",
        _checkpoint_age,
    ),
)
"""Gauges that stay true of a run that has ended."""

MOMENTARY: Final = (
    Gauge(
        "eta_seconds",
        "Estimated time until the run ends; missing until it is known.",
        lambda view: _seconds(view.eta_hours),
    ),
    Gauge(
        "iteration_seconds_left",
        "Estimated time until the current iteration ends.",
        lambda view: view.iteration_seconds_left,
    ),
    Gauge(
        "disk_free_bytes",
        "Free space on the disk of the run that will be full first.",
        _of_disk(lambda disk: disk.free_bytes),
    ),
    Gauge("disk_total_bytes", "Size of the disk.", _of_disk(lambda disk: disk.total_bytes)),
    Gauge("disk_low", "1 while the disk is nearly full.", _of_disk(lambda disk: disk.low)),
    Gauge(
        "disk_seconds_left",
        "Time until the run's own files fill the disk; absent if they will fit.",
        _of_disk(lambda disk: _seconds(disk.hours_left)),
    ),
    Gauge(
        "cpu_ratio",
        "Processor load of the trainer's machine, 0 to 1.",
        _of_machine(lambda machine: machine.cpu_percent / 100),
    ),
    Gauge(
        "cores",
        "Processor cores of the trainer's machine.",
        _of_machine(lambda machine: machine.cores),
    ),
    Gauge(
        "load1",
        "Load average of the trainer's machine over a minute.",
        _of_machine(lambda machine: machine.load1),
    ),
    Gauge(
        "memory_used_bytes",
        "Memory in use on the trainer's machine.",
        _of_machine(lambda machine: machine.memory_used_bytes),
    ),
    Gauge(
        "memory_total_bytes",
        "Memory of the trainer's machine.",
        _of_machine(lambda machine: machine.memory_total_bytes),
    ),
    Gauge(
        "trainer_resident_bytes",
        "Resident memory of the trainer's process.",
        _of_machine(lambda machine: machine.rss_bytes),
    ),
    Gauge(*("workers", "Workers of the trainer."), _of_machine(lambda machine: machine.workers)),
)
"""Gauges of a moment, which are only there while the run lives."""

LABELLED: Final = {
    "state": "1 for the state that the run is in, 0 for all others.",
    "monitor_looked_at_seconds": "Unix time of this reading; if it is old, so is all else here.",
    "alerts": "Number of the run's alerts, by level.",
    "alert": "1 for every alert that the run has now.",
    "info": "Always 1; the labels hold the run's texts.",
    "step_done": "Completed units of the current step.",
    "step_total": "Units of the current step; 0 if unknown.",
    "step_rate": "Units per second.",
    "step_seconds_left": "Estimated time until the current step ends.",
    "cluster_hosts": "Hosts of the cluster that work for the run.",
    "cluster_actors": "Actors of the cluster that work for the run.",
    "cluster_units_per_minute": "Rounds or deals a minute of all hosts, in the current step.",
    "cluster_lost_blocks": "Blocks of this session that failed or were lost with their worker.",
    "cluster_repeated_blocks": "Blocks of this session that were given to one more worker.",
    "host_actors": "Actors of a host.",
    "host_units_per_minute": "Rounds or deals a minute of a host, in the current step.",
    "host_answer_age_seconds": "Time since a host's last answer.",
    "host_silent": "1 for a host that has work and has stopped answering, else 0.",
    "gpu": "A figure of the trainer's GPU, by measure.",
}
"""Help of the gauges that `exposition` fills in with labels, or from its own clock."""
