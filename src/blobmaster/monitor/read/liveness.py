"""Whether a run is what its file says: alive, stalled, dead or out of contact.

The file alone cannot tell, because a killed trainer leaves `running` behind. What can is the
process, where it is on this machine, and otherwise whether `seq` and `progress_count` go on moving
while this process watches by its own monotonic clock. File times and another machine's clock are
never asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from blobmaster.monitor.text import words
from blobmaster.run.control.process import is_local, process_state
from blobmaster.run.status.schema import ENDED, Status

STALL_FLOOR_S: Final = 90.0
"""No silence shorter than this is a stall, however quick the run's units have been so far."""
START_FLOOR_S: Final = 300.0
"""The same before the first units are done: imports over a network and cold compilers are slow."""
STALL_GAPS: Final = 3.0
"""A stall is a silence this many times the longest one that the run has come out of by itself."""
SILENCE_S: Final = 30.0
"""A trainer rewrites its status every 2 s, a network mount may hold a copy for 20 s."""
LAST_WORD_S: Final = 4.0
"""Two of the trainer's rewrites: a process that is gone may have written just before it went."""


class Process(Enum):
    """What a look at the trainer's process found."""

    ALIVE = "alive"
    STOPPED = "stopped"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    """On another host, or from before a reboot: nothing to look at here."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What watching has shown so far; times are this process's monotonic seconds."""

    session: tuple[str, int, float]
    """Run id, pid and process start: another session of the run starts a new watch."""
    seq: int
    seq_since: float
    watched_since: float
    """When this session was first seen."""
    seq_moved: bool
    """Whether `seq` was seen to move, which proves a trainer at work wherever it is."""
    progress_count: int
    progress_since: float
    process: Process
    looked_at: float

    @property
    def watched_s(self) -> float:
        """Seconds since the first look."""
        return self.looked_at - self.watched_since

    @property
    def silent_s(self) -> float:
        """Seconds since `seq` last moved."""
        return self.looked_at - self.seq_since

    @property
    def idle_s(self) -> float:
        """Seconds since the run last did a unit of work."""
        return self.looked_at - self.progress_since


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A run's state in one word of the monitor's vocabulary, and why."""

    state: str
    why: str = ""
    sure: bool = True
    """False for a claim that is only written down: a second look is needed."""


def look_for_process(status: Status) -> Process:
    """Find the trainer's process, which is the pid *and* its start: pids are used again."""
    if not is_local(host=status.host, boot=status.boot_id):
        return Process.ELSEWHERE
    life = process_state(
        status.pid,
        started_at=status.process_started_at,
        start_ticks=status.process_start_ticks,
    )
    return Process(life.value)


def watch(
    before: Sighting | None, status: Status, process: Process, now: float, wall: float
) -> Sighting:
    """Add one look, at monotonic `now`, to what has been seen.

    The first look credits the run with the silence that its own clock reports, so that a run found
    stalled says so at once; the wall clock is asked only where it is the trainer's own.
    """
    session = (status.run_id, status.pid, status.process_started_at)
    if before is None or before.session != session or status.seq < before.seq:
        idle = max(0.0, status.heartbeat_at - status.progress_at)
        unwritten = 0.0 if process is Process.ELSEWHERE else max(0.0, wall - status.heartbeat_at)
        return Sighting(
            session=session,
            seq=status.seq,
            seq_since=now - unwritten,
            watched_since=now,
            seq_moved=False,
            progress_count=status.progress_count,
            progress_since=now - idle - unwritten,
            process=process,
            looked_at=now,
        )
    moved = status.seq != before.seq
    progressed = status.progress_count != before.progress_count
    return Sighting(
        session=session,
        seq=status.seq,
        seq_since=now if moved else before.seq_since,
        watched_since=before.watched_since,
        seq_moved=moved or before.seq_moved,
        progress_count=status.progress_count,
        progress_since=now if progressed else before.progress_since,
        process=process,
        looked_at=now,
    )


def stall_limit(status: Status) -> float:
    """Seconds without a unit of work after which the run counts as stalled."""
    floor = START_FLOOR_S if status.state == "starting" else STALL_FLOOR_S
    return max(floor, STALL_GAPS * status.slowest_gap_s)


def silence_limit(interval: float) -> float:
    """Seconds without a rewrite that are too many, for looks `interval` seconds apart."""
    return max(SILENCE_S, 3 * interval)


def judge(status: Status, sighting: Sighting, silence: float) -> Verdict:
    """The run's state, from what is written and what was seen; see `silence_limit`."""
    written = "waiting for disk" if status.state == "waiting" else status.state
    if status.state in ENDED:
        return Verdict(state=written)
    if sighting.process is Process.GONE and not _still_writing(sighting):
        return Verdict(
            state="dead",
            why=f"process {status.pid} is gone without a word; it said “{written}”",
        )
    if sighting.process is Process.STOPPED:
        return Verdict(
            state="stalled",
            why=f"process {status.pid} is stopped; kill -CONT {status.pid} lets it go on",
        )
    if sighting.silent_s > silence:
        return _silent(status, sighting, sure=sighting.watched_s > silence)
    if status.state != "waiting" and sighting.idle_s > stall_limit(status):
        return Verdict(
            state="stalled",
            why=f"process {status.pid} is alive, but nothing has moved for "
            f"{words.duration(sighting.idle_s)}; its slowest so far was "
            f"{words.duration(status.slowest_gap_s)}",
        )
    if sighting.process is Process.ELSEWHERE and not sighting.seq_moved:
        return Verdict(
            state=written, sure=False, why=f"as written by {status.host}; not seen to move yet"
        )
    return Verdict(state=written)


def _still_writing(sighting: Sighting) -> bool:
    """Whether writes still arrive: a trainer in another container is alive, though not found."""
    return sighting.seq_moved and sighting.silent_s < LAST_WORD_S


def _silent(status: Status, sighting: Sighting, *, sure: bool) -> Verdict:
    since = words.duration(sighting.silent_s)
    if sighting.process is Process.ELSEWHERE:
        return Verdict(state="no contact", why=f"nothing new from {status.host} for {since}")
    return Verdict(
        state="stalled",
        sure=sure or sighting.seq_moved,
        why=f"process {status.pid} is alive, but has not written its status for {since}",
    )
