"""What there is to show, as frozen data: one pure function from what was read to the View.

The screen, `--once`, `--plain` and `--json` all show this one view.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from blobmaster.monitor.alerts import ShownAlert, alerts
from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.read.liveness import Sighting, Verdict
from blobmaster.monitor.text import words
from blobmaster.run.status.schema import ENDED, Disk, LastCheckpoint, Machine, Status, Step

VIEW_SCHEMA: Final = 1
RECENT_ITERATIONS: Final = 5
SILENT: Final = "the file system does not answer"
UNANSWERED_S: Final = 10.0
"""The trainer looks for a request every second."""


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint that lies in the run directory, as far as its name and size tell."""

    name: str
    iteration: int
    """1-based."""
    elo: int | None
    bytes: int
    permanent: bool
    age_s: float
    """Since it was written, by its file's time and the reader's clock: no more than a hint."""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line of train.log; `level` is `info`, `warning` or `error`."""

    level: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that this monitor left for the trainer."""

    text: str
    at: float
    """Monotonic seconds."""
    seq: int
    """The status's when it was asked: an answer comes with a later one."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one look at the run directory found."""

    status: Status | None
    """The last good one."""
    status_at: float
    """Monotonic time at which `status` was read."""
    problem: str | None
    """Why it cannot be read now; `status` is older then."""
    missing: bool
    """Whether the problem is only that there is no file."""
    now: float
    """Monotonic time of this look."""
    sighting: Sighting | None = None
    verdict: Verdict | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    checkpoints: tuple[CheckpointFile, ...] = ()
    log: tuple[LogLine, ...] = ()
    writable: bool = False
    """Whether a request could be left."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything shown; numbers in the units of their names, None where not known."""

    schema: int = VIEW_SCHEMA
    state: str
    """One of the monitor's words: waiting, starting, running, pausing, paused, finished, failed,
    waiting for disk, stalled, dead, no contact, unreadable."""
    why: str = ""
    """The reason for a state that needs one, in a sentence."""
    sure: bool = True
    """False while a remote run's state is only what its file says."""
    problem: str | None = None
    """Why the status cannot be read now; all else is the last good frame then."""
    frame_age_s: float | None = None
    """Age of that last good frame."""
    status_age_s: float | None = None
    """Since the trainer was last seen to write, at least; None until a remote one was seen to."""
    source: str
    """Path of the status file."""
    run_id: str = ""
    host: str = ""
    pid: int = 0
    seq: int = 0
    iteration: int = 0
    total_iterations: int = 0
    progress: float = 0.0
    elapsed_hours: float = 0.0
    eta_hours: float | None = None
    iteration_seconds_left: float | None = None
    """Until the running iteration ends, by the pace of the last few."""
    step: Step | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    last_checkpoint: LastCheckpoint | None = None
    last_checkpoint_age_s: float | None = None
    checkpoints: tuple[CheckpointFile, ...] = ()
    """Newest first."""
    resumes_from: str | None = None
    """Name of the checkpoint that a plain `--resume` would take."""
    disk: Disk | None = None
    machine: Machine | None = None
    alerts: tuple[ShownAlert, ...] = ()
    request: str | None = None
    """What was asked of the trainer and how far that is, in a sentence."""
    next_command: str | None = None
    """The exact command that continues a run which does not run."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a trainer that would obey a request."""
        return self.state in ("starting", "running", "pausing", "waiting for disk", "stalled")


def view(reading: Reading, source: Path, asked: Asked | None = None) -> View:
    """The view of one reading; `asked` is this monitor's own request that may still be open."""
    problem = reading.problem if reading.problem is None else words.clean(reading.problem)
    status, sighting, verdict = reading.status, reading.sighting, reading.verdict
    if status is None or sighting is None or verdict is None:
        return View(
            state="waiting" if reading.missing else "unreadable",
            why="no run has begun here yet" if reading.missing else (problem or ""),
            problem=problem,
            source=str(source),
        )
    left = _iteration_seconds_left(status, reading.curves)
    ended_here = verdict.state in ("paused", "failed", "dead")
    return View(
        state=verdict.state,
        why=_why(status, verdict, left),
        sure=verdict.sure,
        problem=problem,
        frame_age_s=None if problem is None else reading.now - reading.status_at,
        status_age_s=sighting.silent_s if verdict.sure else None,
        source=str(source),
        run_id=words.clean(status.run_id, 80),
        host=words.clean(status.host, 60),
        pid=status.pid,
        seq=status.seq,
        iteration=status.iteration,
        total_iterations=status.total_iterations,
        progress=min(1.0, max(0.0, status.progress)),
        elapsed_hours=status.elapsed_hours,
        eta_hours=None if ended_here or verdict.state == "finished" else _ahead(status.eta_hours),
        iteration_seconds_left=left,
        step=status.step,
        metrics=status.metrics,
        last_checkpoint=status.last_checkpoint,
        last_checkpoint_age_s=_checkpoint_age(status, sighting),
        checkpoints=reading.checkpoints,
        resumes_from=_resumes_from(status, reading.checkpoints),
        disk=status.disk,
        machine=status.machine,
        alerts=alerts(status, verdict, reading.curves),
        request=_request(status, verdict, asked, reading.now, left),
        next_command=_clean_or_none(status.resume_command) if ended_here else None,
        curves=reading.curves,
        log=reading.log,
    )


def out_of_contact(shown: View) -> View:
    """What is known of a run while its file system hangs."""
    if shown.state in ("paused", "finished", "failed", "dead"):
        return shown
    return replace(shown, state="no contact", why=SILENT, sure=True)


def _why(status: Status, verdict: Verdict, left: float | None) -> str:
    if verdict.state == "pausing":
        return pausing(status, left)
    if verdict.state == "failed":
        return words.clean(status.error or "the trainer gave no reason; see train.log")
    if verdict.state == "waiting for disk":
        return words.clean(status.error or "the disk is full; it goes on by itself with free space")
    if verdict.state == "paused":
        saved = status.last_checkpoint  # `iteration` is the one that would be next
        return "" if saved is None else f"after iteration {saved.iteration}"
    return words.clean(verdict.why)


def pausing(status: Status, left: float | None) -> str:
    """When a run that was asked to pause will do so."""
    if status.request is not None and "NOW" in status.request.text.upper():
        return "now: finished blocks are kept"
    about = "" if left is None else f" (about {words.duration(left)})"
    return f"after iteration {status.iteration}{about}"


def _iteration_seconds_left(status: Status, curves: Mapping[str, Curve]) -> float | None:
    """By the trainer's own elapsed time, so that no clock is compared with another."""
    elapsed = curves.get("elapsed_hours")
    if elapsed is None or len(elapsed.points) < 2:
        return None if status.step is None else _ahead(status.step.seconds_left)
    recent = elapsed.points[-RECENT_ITERATIONS - 1 :]
    paces = [
        (later - earlier) / max(1.0, at - before)
        for (before, earlier), (at, later) in itertools.pairwise(recent)
    ]
    by_pace = 3600 * (statistics.median(paces) - status.elapsed_hours + elapsed.last)
    of_step = None if status.step is None else _ahead(status.step.seconds_left)
    return max(by_pace, of_step or 0.0) if by_pace > 0 else of_step


def _ahead(value: float | None) -> float | None:
    """A time to come: a negative one is not known."""
    return None if value is None or value < 0 else value


def _checkpoint_age(status: Status, sighting: Sighting) -> float | None:
    if status.last_checkpoint is None:
        return None
    at_write = status.heartbeat_at - status.last_checkpoint.saved_at
    return max(0.0, at_write) + sighting.silent_s


def _resumes_from(status: Status, files: Sequence[CheckpointFile]) -> str | None:
    names = [file.name for file in files]
    if status.last_checkpoint is not None and status.last_checkpoint.name in names:
        return status.last_checkpoint.name
    return names[0] if names else None


def _request(
    status: Status, verdict: Verdict, asked: Asked | None, now: float, left: float | None
) -> str | None:
    if asked is not None and not answered(asked, status):
        waited = now - asked.at
        text = f"{asked.text} requested"
        if waited < UNANSWERED_S:
            return text
        return f"{text} {words.duration(waited)} ago; the trainer has not answered yet"
    if verdict.state == "pausing":
        return f"pausing {pausing(status, left)}"
    if status.request is not None and status.state not in ENDED:
        return f"{words.clean(status.request.text, 40)} acknowledged"
    return None


def answered(asked: Asked, status: Status) -> bool:
    """Whether the trainer has taken up what was asked."""
    if status.seq <= asked.seq:
        return False
    if status.request is not None and status.request.text == asked.text:
        return True
    if asked.text in ("PAUSE", "PAUSE NOW"):
        return status.state in ("pausing", "paused", "finished", "failed")
    return asked.text == "CONTINUE" and status.state != "pausing"


def _clean_or_none(text: str | None) -> str | None:
    return None if text is None else words.clean(text, 1000)
