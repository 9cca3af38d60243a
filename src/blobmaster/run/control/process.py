"""Identity of a process by pid, start time and boot, as the system reuses pids."""

import enum
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Without /proc the start is only known as a wall-clock time, which moves when the clock is set.
START_TOLERANCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process, distinguished from any other one with the same pid, before or after it."""

    pid: int
    started_at: float
    """Wall clock, seconds since the epoch."""
    start_ticks: int
    """Clock ticks from the machine's boot to the start; 0 where there is no /proc."""
    boot_id: str
    host: str


@cache
def this_process() -> ProcessIdentity:
    """Return the identity of the current process."""
    ticks = _start_ticks(os.getpid())
    if ticks:
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        started_at = time.time() - age
    else:
        import psutil  # slow to load, and needed only where there is no /proc

        started_at = psutil.Process().create_time()
    return ProcessIdentity(
        pid=os.getpid(),
        started_at=started_at,
        start_ticks=ticks,
        boot_id=boot_id(),
        host=host_name(),
    )


@cache
def boot_id() -> str:
    """Return the id of this machine's current boot; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def host_name() -> str:
    """Return the machine's host name."""
    # As socket.gethostname() does on Linux and macOS; importing socket costs 2 ms of a page's 100.
    return os.uname().nodename


def is_local(*, host: str, boot: str) -> bool:
    """Return True if a process of that host and boot would be on this machine now."""
    return host == host_name() and boot == boot_id()


class ProcessState(enum.Enum):
    """State of a process."""

    ALIVE = "alive"
    STOPPED = "stopped"
    """Stopped by a signal; SIGCONT continues it."""
    GONE = "gone"
    """Ended, a zombie, or its pid now belongs to another process."""


def process_state(pid: int, *, started_at: float, start_ticks: int) -> ProcessState:
    """Return the state of the process on this machine with that pid *and* that start."""
    if not start_ticks:
        return _life_by_clock(pid, started_at)
    try:
        state, ticks = _stat(pid)
    except PermissionError:
        return ProcessState.ALIVE  # it exists and belongs to another user
    except (OSError, ValueError):
        return ProcessState.GONE
    if ticks != start_ticks or state in "ZX":
        return ProcessState.GONE
    return ProcessState.STOPPED if state == "T" else ProcessState.ALIVE


def _life_by_clock(pid: int, started_at: float) -> ProcessState:
    import psutil  # takes a tenth of a page's time, and only systems without /proc need it

    try:
        process = psutil.Process(pid)
        state, created = process.status(), process.create_time()
    except psutil.AccessDenied:
        return ProcessState.ALIVE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return ProcessState.GONE
    if state == psutil.STATUS_ZOMBIE or abs(created - started_at) > START_TOLERANCE_S:
        return ProcessState.GONE
    return ProcessState.STOPPED if state == psutil.STATUS_STOPPED else ProcessState.ALIVE


def _stat(pid: int) -> tuple[str, int]:
    """Read a process's state and start, fields 3 and 22 of /proc/<pid>/stat (proc(5)).

    Raises:
        OSError: there is no such process, or no /proc.
        ValueError: the file has an unknown format.
    """
    text = Path(f"/proc/{pid}/stat").read_bytes()
    # Field 2 is the program's name in parentheses. It may hold blanks and parentheses of its own,
    # so the other fields are counted from the last closing one.
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[19])


def _start_ticks(pid: int) -> int:
    try:
        return _stat(pid)[1]
    except OSError:
        return 0
