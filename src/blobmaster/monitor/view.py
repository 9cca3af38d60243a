"""The view of a run as frozen data, made by one pure function from what was read.

The screen, `--once`, `--plain`, `--json`, the report and Prometheus all show this view.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from blobmaster.monitor.alerts import ShownAlert, alerts
from blobmaster.monitor.hosts import ShownCluster, shown_cluster
from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.read.liveness import Observation, Verdict, has_age
from blobmaster.monitor.text import fmt
from blobmaster.run.status.schema import (
    ENDED,
    SAVE_FAILED,
    Disk,
    LastCheckpoint,
    Machine,
    Status,
    Step,
)

VIEW_SCHEMA: Final = 1
RECENT_ITERATIONS: Final = 5
SILENT: Final = "the file system does not answer"
UNANSWERED_S: Final = 10.0
"""Age at which a request counts as unanswered; the trainer checks twice a second."""


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint file, described by its name and size."""

    name: str
    iteration: int
    """1-based."""
    elo: int | None
    bytes: int
    permanent: bool
    age_s: float
    """Age by the file's time and the reader's clock, which may differ from the trainer's."""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line of train.log; `level` is `info`, `warning` or `error`."""

    level: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PendingRequest:
    """A request that this monitor sent to the trainer."""

    text: str
    at: float
    """Monotonic seconds."""
    seq: int
    """The status's `seq` when it was sent; the answer has a later one."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The result of reading a run directory once."""

    status: Status | None
    """The last valid status."""
    status_at: float
    """Monotonic time at which `status` was read."""
    problem: str | None
    """Why the status cannot be read now; `status` is older then."""
    missing: bool
    """True if the problem is that there is no file."""
    now: float
    """Monotonic time of this reading."""
    observation: Observation | None = None
    verdict: Verdict | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    checkpoints: tuple[CheckpointFile, ...] = ()
    log: tuple[LogLine, ...] = ()
    writable: bool = False
    """True if a request can be written."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything that is shown; numbers have the units of their names and are None if unknown."""

    schema: int = VIEW_SCHEMA
    state: str
    """waiting, starting, running, pausing, paused, finished, failed, waiting for disk, stalled,
    dead, no contact or unreadable."""
    why: str = ""
    """Reason for the state, in a sentence, if it needs one."""
    sure: bool = True
    """False while a remote run's state is only what its file says."""
    problem: str | None = None
    """Why the status cannot be read now; all other fields are from the last valid one then."""
    frame_age_s: float | None = None
    """Age of the last valid status, if the current one cannot be read."""
    status_age_s: float | None = None
    """Least time since the trainer's last write; None until a remote trainer was seen to write."""
    source: str
    """Path of the status file."""
    has_status: bool = False
    """True if a status was read, so that there is a run to show."""
    run_id: str = ""
    """Empty if the status names no run; see `name`."""
    host: str = ""
    pid: int = 0
    seq: int = 0
    """0 for a status with only the documented fields, which is written once an iteration."""
    iteration: int | None = 0
    total_iterations: int | None = 0
    progress: float | None = 0.0
    elapsed_hours: float | None = 0.0
    eta_hours: float | None = None
    iteration_seconds_left: float | None = None
    """Time until the current iteration ends, estimated from the last few; None if none runs."""
    step: Step | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    last_checkpoint: LastCheckpoint | None = None
    last_checkpoint_age_s: float | None = None
    checkpoints: tuple[CheckpointFile, ...] = ()
    """Newest first."""
    resumes_from: str | None = None
    """Name of the checkpoint that `--resume` would load."""
    disk: Disk | None = None
    machine: Machine | None = None
    cluster: ShownCluster | None = None
    """None if the run has no cluster."""
    alerts: tuple[ShownAlert, ...] = ()
    request: str | None = None
    """The request to the trainer and its progress, in a sentence."""
    next_command: str | None = None
    """The command that resumes a run which is not running."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()

    @property
    def accepts_requests(self) -> bool:
        """True if there may be a trainer to carry out a request."""
        # A trainer that writes once an iteration looks for requests as rarely, and may be silent
        # for longer than the monitor expects.
        is_silent = self.state == "no contact" and self.has_status and self.seq == 0
        return is_silent or self.state in (
            *("starting", "running", "pausing", "waiting for disk", "stalled"),
        )

    @property
    def name(self) -> str:
        """The run's id, or the name of its folder if the status has none."""
        return self.run_id or fmt.clean(Path(self.source).absolute().parent.name, 80)


def view(reading: Reading, source: Path, pending: PendingRequest | None = None) -> View:
    """Make the view of a reading; `pending` is this monitor's own, maybe unanswered request."""
    problem = reading.problem if reading.problem is None else fmt.clean(reading.problem)
    status, observation, verdict = reading.status, reading.observation, reading.verdict
    if status is None or observation is None or verdict is None:
        return View(
            state="waiting" if reading.missing else "unreadable",
            why="no run has begun here yet" if reading.missing else (problem or ""),
            problem=problem,
            source=str(source),
        )
    ended_here = verdict.state in ("paused", "failed", "dead")
    has_ended = ended_here or verdict.state == "finished"
    left = None if has_ended else _iteration_seconds_left(status, reading.curves)
    return View(
        state=verdict.state,
        why=_why(status, verdict, left),
        sure=verdict.sure,
        problem=problem,
        frame_age_s=None if problem is None else reading.now - reading.status_at,
        status_age_s=_status_age(status, observation) if verdict.sure else None,
        source=str(source),
        has_status=True,
        run_id=fmt.clean(status.run_id, 80),
        host=fmt.clean(status.host, 60),
        pid=status.pid,
        seq=status.seq,
        iteration=status.iteration,
        total_iterations=status.total_iterations,
        progress=None if status.progress is None else min(1.0, max(0.0, status.progress)),
        elapsed_hours=status.elapsed_hours,
        eta_hours=None if has_ended else _hours_left(status),
        iteration_seconds_left=left,
        step=status.step,
        metrics=status.metrics,
        last_checkpoint=status.last_checkpoint,
        last_checkpoint_age_s=_checkpoint_age(status, observation),
        checkpoints=reading.checkpoints,
        resumes_from=_resumes_from(status, reading.checkpoints),
        disk=status.disk,
        machine=status.machine,
        cluster=shown_cluster(status, observation),
        alerts=alerts(status, verdict, reading.curves),
        request=_request(status, verdict, pending, reading.now, left),
        next_command=_clean_or_none(status.resume_command) if ended_here else None,
        curves=reading.curves,
        log=reading.log,
    )


def out_of_contact(shown: View) -> View:
    """Return the view of a run whose file system hangs."""
    if shown.state in ("paused", "finished", "failed", "dead"):
        return shown
    return replace(shown, state="no contact", why=SILENT, sure=True)


def _why(status: Status, verdict: Verdict, left: float | None) -> str:
    if verdict.state == "pausing":
        return pausing(status, left)
    if verdict.state == "failed":
        return fmt.clean(status.error or "the trainer gave no reason; see train.log")
    if verdict.state == "waiting for disk":
        return fmt.clean(status.error or _why_waiting(status))
    if verdict.state == "paused":
        saved = status.last_checkpoint  # `iteration` is the one that would be next
        return "" if saved is None else f"after iteration {saved.iteration}"
    return fmt.clean(verdict.why)


def _why_waiting(status: Status) -> str:
    failed = [alert.message for alert in status.alerts if alert.kind == SAVE_FAILED]
    if failed and not any("the disk is full" in message for message in failed):
        return "the disk refuses a write, see the alert; it goes on by itself"
    return "the disk is full; it goes on by itself with free space"


def pausing(status: Status, left: float | None) -> str:
    """Return when a run that was asked to pause will do so."""
    if status.request is not None and "NOW" in status.request.text.upper():
        return "now: finished blocks are kept"
    about = "" if left is None else f" (about {fmt.duration(left)})"
    iteration = "this iteration" if status.iteration is None else f"iteration {status.iteration}"
    return f"after {iteration}{about}"


def _iteration_seconds_left(status: Status, curves: Mapping[str, Curve]) -> float | None:
    """Estimate the time left from the trainer's own elapsed time; no two clocks are compared."""
    elapsed = curves.get("elapsed_hours")
    if elapsed is None or len(elapsed.points) < 2 or status.elapsed_hours is None:
        return None if status.step is None else _ahead(status.step.seconds_left)
    recent = elapsed.points[-RECENT_ITERATIONS - 1 :]
    paces = [
        (later - earlier) / max(1.0, at - before)
        for (before, earlier), (at, later) in itertools.pairwise(recent)
    ]
    by_pace = 3600 * (_median(paces) - status.elapsed_hours + elapsed.last)
    of_step = None if status.step is None else _ahead(status.step.seconds_left)
    return max(by_pace, of_step or 0.0) if by_pace > 0 else of_step


def _median(values: Sequence[float]) -> float:
    # Of at most five values; importing `statistics` costs 2.5 ms of a page's 100.
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _hours_left(status: Status) -> float | None:
    if status.eta_hours is None and status.eta_days is not None:
        return _ahead(24 * status.eta_days)
    return _ahead(status.eta_hours)


def _status_age(status: Status, observation: Observation) -> float | None:
    return observation.silent_s if has_age(status, observation) else None


def _ahead(value: float | None) -> float | None:
    """Return a future time; a negative one counts as unknown."""
    return None if value is None or value < 0 else value


def _checkpoint_age(status: Status, observation: Observation) -> float | None:
    if status.last_checkpoint is None or not status.has_heartbeat:
        return None
    at_write = status.heartbeat_at - status.last_checkpoint.saved_at
    return max(0.0, at_write) + observation.silent_s


def _resumes_from(status: Status, files: Sequence[CheckpointFile]) -> str | None:
    names = [file.name for file in files]
    if status.last_checkpoint is not None and status.last_checkpoint.name in names:
        return status.last_checkpoint.name
    return names[0] if names else None


def _request(
    status: Status, verdict: Verdict, pending: PendingRequest | None, now: float, left: float | None
) -> str | None:
    if pending is not None and not is_answered(pending, status):
        waited = now - pending.at
        text = f"{pending.text} requested"
        if waited < UNANSWERED_S:
            return text
        return f"{text} {fmt.duration(waited)} ago; the trainer has not answered yet"
    if verdict.state == "pausing":
        return f"pausing {pausing(status, left)}"
    if status.request is not None and status.state not in ENDED:
        return f"{fmt.clean(status.request.text, 40)} acknowledged"
    return None


def is_answered(pending: PendingRequest, status: Status) -> bool:
    """Return True if the trainer has accepted the request."""
    if status.seq <= pending.seq:
        return False
    if status.request is not None and status.request.text == pending.text:
        return True
    if pending.text in ("PAUSE", "PAUSE NOW"):
        return status.state in ("pausing", "paused", "finished", "failed")
    return pending.text == "CONTINUE" and status.state != "pausing"


def _clean_or_none(text: str | None) -> str | None:
    return None if text is None else fmt.clean(text, 1000)
