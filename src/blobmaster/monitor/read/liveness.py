"""Decides whether a run is alive, stalled, dead or out of contact.

The status alone cannot tell, as a killed trainer leaves `running` behind. On this machine the
trainer's process decides, if it can be seen. Elsewhere, in another container or where /proc hides
it, it is whether `seq` and `progress_count` change while this process watches, by its own monotonic
clock. File times and another machine's clock are never used.

Other programs write only the documented fields, once an iteration. Their `timestamp` decides: its
age by this machine's clock, until it is seen to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from blobmaster.monitor.text import fmt
from blobmaster.run.control.process import is_local, process_state
from blobmaster.run.status.schema import ENDED, Status

STALL_FLOOR_S: Final = 90.0
"""Shortest time without progress that counts as a stall, however fast the units of work are."""
START_FLOOR_S: Final = 300.0
"""Such a time before the first unit: imports over a network and a cold compiler are slow."""
STALL_GAPS: Final = 3.0
"""A stall is this many times the longest gap that the run has recovered from by itself."""
SILENCE_S: Final = 30.0
"""The trainer writes its status every 2 s, and a network mount may show an old copy for 20 s."""
LAST_WORD_S: Final = 4.0
"""Two of the trainer's writes: a process that is gone may have written just before its end."""


FRESH_S: Final = 90.0
"""Age of a status without a heartbeat up to which nothing is said about it."""
UPDATE_FLOOR_S: Final = 600.0
"""Shortest age at which such a run counts as out of contact."""
UPDATE_ITERATIONS: Final = 3.0
"""It counts as that after the time of this many iterations, as it writes once in each."""


class Process(Enum):
    """State of the trainer's process, as seen from this machine."""

    ALIVE = "alive"
    STOPPED = "stopped"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    """On another host or from before a reboot, so it cannot be checked."""
    UNSEEN = "unseen"
    """On this machine, but in another pid namespace or hidden by /proc."""


UNKNOWN: Final = (Process.ELSEWHERE, Process.UNSEEN)
"""States of a process that say nothing about its life."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Observation of a session so far; times are this process's monotonic seconds."""

    session: tuple[str, int, float]
    """Run id, pid and process start; a change starts a new observation."""
    seq: int
    mark: tuple[int, float | None, int | None]
    """`seq`, `timestamp` and `iteration`; a change shows that the status was written."""
    seq_since: float
    first_seen: float
    """When this session was first seen."""
    seq_moved: bool
    """True if `seq` was seen to change, which proves that the trainer is alive."""
    progress_count: int
    progress_since: float
    process: Process
    observed_at: float

    @property
    def watched_s(self) -> float:
        """Seconds since the session was first seen."""
        return self.observed_at - self.first_seen

    @property
    def silent_s(self) -> float:
        """Seconds since `seq` last changed."""
        return self.observed_at - self.seq_since

    @property
    def idle_s(self) -> float:
        """Seconds since the run last completed a unit of work."""
        return self.observed_at - self.progress_since


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A run's state, see `View.state`, and the reason for it."""

    state: str
    why: str = ""
    sure: bool = True
    """False if only the file says so and no change was seen yet."""


def find_process(status: Status) -> Process:
    """Return the state of the process with the trainer's pid *and* start, as pids are reused."""
    if not is_local(host=status.host, boot=status.boot_id):
        return Process.ELSEWHERE
    life = process_state(
        status.pid,
        started_at=status.process_started_at,
        start_ticks=status.process_start_ticks,
        namespace=status.pid_namespace,
    )
    return Process(life.value)


def observe(
    before: Observation | None, status: Status, process: Process, now: float, wall: float
) -> Observation:
    """Add a reading of the status at monotonic `now` (`wall`: epoch seconds) to the observation.

    The first one takes over the silence reported by the trainer's own clock, so that a stalled run
    is recognized at once. The wall clock is used only on the trainer's own machine.
    """
    session = (status.run_id, status.pid, status.process_started_at)
    if before is None or before.session != session or status.seq < before.seq:
        idle = max(0.0, status.heartbeat_at - status.progress_at)
        unwritten = _unwritten_s(status, process, wall)
        return Observation(
            session=session,
            seq=status.seq,
            mark=_mark(status),
            seq_since=now - unwritten,
            first_seen=now,
            seq_moved=False,
            progress_count=status.progress_count,
            progress_since=now - idle - unwritten,
            process=process,
            observed_at=now,
        )
    moved = _mark(status) != before.mark
    written = now
    if moved and not status.has_heartbeat:
        # Readings may be minutes apart: it was written at any time since the last one.
        written -= min(_unwritten_s(status, process, wall), now - before.observed_at)
    idle_since = now if status.progress_count != before.progress_count else before.progress_since
    if moved and status.has_heartbeat and status.heartbeat_at >= status.progress_at > 0:
        # The trainer leaves out the time in which the system had stopped it.
        idle_since = max(idle_since, now - (status.heartbeat_at - status.progress_at))
    return Observation(
        session=session,
        seq=status.seq,
        mark=_mark(status),
        seq_since=written if moved else before.seq_since,
        first_seen=before.first_seen,
        seq_moved=moved or before.seq_moved,
        progress_count=status.progress_count,
        progress_since=idle_since,
        process=process,
        observed_at=now,
    )


def _mark(status: Status) -> tuple[int, float | None, int | None]:
    return status.seq, status.timestamp, status.iteration


def _unwritten_s(status: Status, process: Process, wall: float) -> float:
    """Return the age of the status by the wall clock, at the first look at it."""
    if not status.has_heartbeat:
        return 0.0 if status.timestamp is None else max(0.0, wall - status.timestamp)
    return 0.0 if process is Process.ELSEWHERE else max(0.0, wall - status.heartbeat_at)


def stall_limit(status: Status) -> float:
    """Return the seconds without a unit of work after which the run counts as stalled."""
    floor = START_FLOOR_S if status.state == "starting" else STALL_FLOOR_S
    return max(floor, STALL_GAPS * status.slowest_gap_s)


def silence_limit(interval: float) -> float:
    """Return the longest acceptable time without a write, for readings `interval` seconds apart."""
    return max(SILENCE_S, 3 * interval)


def judge(status: Status, observation: Observation, silence: float) -> Verdict:
    """Return the run's state from its status and the observation; `silence` as `silence_limit`."""
    written = "waiting for disk" if status.state == "waiting" else status.state
    if status.state in ENDED:
        return Verdict(state=written)
    if not status.has_heartbeat:
        return _judge_by_age(status, observation, written or "running")
    if observation.process is Process.GONE and not _still_writing(observation):
        return Verdict(
            state="dead",
            why=f"process {status.pid} is gone without a word; it said “{written}”",
        )
    if observation.process is Process.STOPPED:
        return Verdict(
            state="stalled",
            why=f"process {status.pid} is stopped; kill -CONT {status.pid} lets it go on",
        )
    if observation.silent_s > silence:
        return _silent(status, observation, sure=observation.watched_s > silence)
    if status.state != "waiting" and observation.idle_s > stall_limit(status):
        return Verdict(
            state="stalled",
            sure=observation.process not in UNKNOWN or observation.seq_moved,
            why=f"process {status.pid} is alive, but nothing has moved for "
            f"{fmt.duration(observation.idle_s)}; its slowest so far was "
            f"{fmt.duration(status.slowest_gap_s)}",
        )
    if observation.process in UNKNOWN and not observation.seq_moved:
        writer = f" by {status.host}" if status.host else ""
        if observation.process is Process.UNSEEN:
            writer = f" by process {status.pid}, which cannot be seen from here"
        return Verdict(state=written, sure=False, why=f"as written{writer}; not seen to move yet")
    return Verdict(state=written)


def _judge_by_age(status: Status, observation: Observation, written: str) -> Verdict:
    """Return the state of a run that writes its status once an iteration."""
    if status.progress is not None and status.progress >= 1:
        return Verdict(state="finished")
    if not has_age(status, observation):
        why = "its status has no timestamp, so nothing tells whether it runs"
        return Verdict(state="no contact", why=why)
    age = observation.silent_s
    why = f"no update for {fmt.duration(age)}" if age > FRESH_S else ""
    return Verdict(state=written if age <= update_limit(status) else "no contact", why=why)


def has_age(status: Status, observation: Observation) -> bool:
    """Return True if `Observation.silent_s` is the age of the status, not only of the watch."""
    return status.has_heartbeat or status.timestamp is not None or observation.seq_moved


def update_limit(status: Status) -> float:
    """Return the age in seconds at which a run without a heartbeat counts as out of contact."""
    if not status.elapsed_hours or not status.iteration or status.iteration < 1:
        return UPDATE_FLOOR_S
    pace = 3600 * status.elapsed_hours / status.iteration
    return max(UPDATE_FLOOR_S, UPDATE_ITERATIONS * pace)


def _still_writing(observation: Observation) -> bool:
    """Return True if a write has just arrived; a last status may follow it."""
    return observation.seq_moved and observation.silent_s < LAST_WORD_S


def _silent(status: Status, observation: Observation, *, sure: bool) -> Verdict:
    since = fmt.duration(observation.silent_s)
    if observation.process is Process.ELSEWHERE:
        return Verdict(state="no contact", why=f"nothing new from {status.host} for {since}")
    if observation.process is Process.UNSEEN:
        return Verdict(
            state="no contact",
            sure=sure or observation.seq_moved,
            why=f"nothing new for {since}, and process {status.pid} cannot be seen from here "
            "(another container or user)",
        )
    return Verdict(
        state="stalled",
        sure=sure or observation.seq_moved,
        why=f"process {status.pid} is alive, but has not written its status for {since}",
    )
