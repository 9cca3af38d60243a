"""Identity of a process by pid, start time and boot, as the system reuses pids.

A pid that is not seen proves nothing by itself: the process may count in another pid namespace (a
container), or /proc may hide the processes of other users (its mount option `hidepid`).
"""

import enum
import os
import sys
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
    pid_namespace: int
    """Inode of the namespace in which `pid` counts; 0 if it is unknown."""


@cache
def this_process() -> ProcessIdentity:
    """Return the identity of the current process."""
    ticks = _start_ticks()
    if ticks:
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        started_at = time.time() - age
    else:
        started_at = _start_by_clock()
    return ProcessIdentity(
        pid=os.getpid(),
        started_at=started_at,
        start_ticks=ticks,
        boot_id=boot_id(),
        host=host_name(),
        pid_namespace=pid_namespace(),
    )


@cache
def boot_id() -> str:
    """Return the id of this machine's current boot; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def pid_namespace() -> int:
    """Return the inode of this process's pid namespace; 0 where /proc does not tell."""
    try:
        # A /proc that was mounted in another namespace lists pids that do not count in this one.
        if Path("/proc/self").readlink() != Path(str(os.getpid())):
            return 0
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


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
    UNSEEN = "unseen"
    """In another pid namespace or hidden, so nothing is known about it."""


def process_state(pid: int, *, started_at: float, start_ticks: int, namespace: int) -> ProcessState:
    """Return the state of the process on this machine with that pid *and* that start.

    `namespace` is the one in which the pid counts; 0 if it is unknown.
    """
    shares_pids = namespace != 0 and namespace == pid_namespace()
    if namespace and not shares_pids:
        return ProcessState.UNSEEN  # here, its pid is that of another process or of none
    not_found = ProcessState.GONE if shares_pids else ProcessState.UNSEEN
    if not start_ticks:
        # Only Linux has pid namespaces; elsewhere a process that is not found is gone.
        return _life_by_clock(
            pid, started_at, not_found if sys.platform == "linux" else ProcessState.GONE
        )
    try:
        state, ticks = _stat(pid)
    except (OSError, ValueError):
        return ProcessState.UNSEEN if _exists(pid) else not_found
    if ticks != start_ticks:
        return not_found
    if state in "ZX":
        return ProcessState.GONE
    return ProcessState.STOPPED if state == "T" else ProcessState.ALIVE


def _exists(pid: int) -> bool:
    """Return True if some process has this pid, even if /proc hides it."""
    try:
        os.kill(pid, 0)  # signal 0 only checks
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _life_by_clock(pid: int, started_at: float, not_found: ProcessState) -> ProcessState:
    import psutil  # takes a tenth of a page's time, and only systems without /proc need it

    try:
        process = psutil.Process(pid)
        state, created = process.status(), process.create_time()
    except psutil.AccessDenied:
        return ProcessState.ALIVE
    except (psutil.NoSuchProcess, OSError, ValueError, OverflowError):
        return not_found  # an OSError: Linux without /proc
    if state == psutil.STATUS_ZOMBIE or abs(created - started_at) > START_TOLERANCE_S:
        return not_found
    return ProcessState.STOPPED if state == psutil.STATUS_STOPPED else ProcessState.ALIVE


def _stat(pid: int | str) -> tuple[str, int]:
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


def _start_by_clock() -> float:
    """Return this process's start, seconds since the epoch."""
    import psutil  # slow to load, and needed only where there is no /proc

    try:
        return psutil.Process().create_time()
    except (psutil.Error, OSError):
        # On Linux psutil reads /proc, too. Asked early, so now is close to the start.
        return time.time()


def _start_ticks() -> int:
    try:
        # Not by pid: /proc may have been mounted in another namespace.
        return _stat("self")[1]
    except OSError:
        return 0
