"""Who a process is, so that a pid used again is never taken for the process that had it before."""

import enum
import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Without /proc the start is known as a wall-clock time, which moves when the clock is set.
START_TOLERANCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process, told apart from any other that has, had or will have its pid."""

    pid: int
    started_at: float
    """Wall clock, seconds since the epoch."""
    start_ticks: int
    """Clock ticks from the machine's boot to the start; 0 where the system does not tell."""
    boot_id: str
    host: str


@cache
def this_process() -> ProcessIdentity:
    ticks = _start_ticks(os.getpid())
    if ticks:
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        started_at = time.time() - age
    else:
        import psutil

        started_at = psutil.Process().create_time()
    return ProcessIdentity(
        pid=os.getpid(),
        started_at=started_at,
        start_ticks=ticks,
        boot_id=boot_id(),
        host=socket.gethostname(),
    )


@cache
def boot_id() -> str:
    """Names this boot of this machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def is_local(*, host: str, boot: str) -> bool:
    """Whether a process of that host and boot can be looked for here."""
    return host == socket.gethostname() and boot == boot_id()


class Life(enum.Enum):
    """What became of a process."""

    ALIVE = "alive"
    STOPPED = "stopped"
    """By a signal; SIGCONT lets it go on."""
    GONE = "gone"
    """A zombie, or a pid that another process has, is gone too."""


def life_of(pid: int, *, started_at: float, start_ticks: int) -> Life:
    """What became of the very process that started then on this machine."""
    if not start_ticks:
        return _life_by_clock(pid, started_at)
    try:
        state, ticks = _stat(pid)
    except PermissionError:
        return Life.ALIVE  # it is there, and another user's
    except (OSError, ValueError):
        return Life.GONE
    if ticks != start_ticks or state in "ZX":
        return Life.GONE
    return Life.STOPPED if state == "T" else Life.ALIVE


def _life_by_clock(pid: int, started_at: float) -> Life:
    import psutil  # a tenth of a page's time, for systems without /proc alone

    try:
        process = psutil.Process(pid)
        state, created = process.status(), process.create_time()
    except psutil.AccessDenied:
        return Life.ALIVE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return Life.GONE
    if state == psutil.STATUS_ZOMBIE or abs(created - started_at) > START_TOLERANCE_S:
        return Life.GONE
    return Life.STOPPED if state == psutil.STATUS_STOPPED else Life.ALIVE


def _stat(pid: int) -> tuple[str, int]:
    """State and start, fields 3 and 22 of /proc/<pid>/stat; the name in field 2 may hold anything.

    Raises: OSError, ValueError.
    """
    text = Path(f"/proc/{pid}/stat").read_bytes()
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[19])


def _start_ticks(pid: int) -> int:
    try:
        return _stat(pid)[1]
    except OSError:
        return 0
