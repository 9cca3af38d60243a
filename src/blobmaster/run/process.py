"""Who a process is, so that a pid used again is never taken for the process that had it before."""

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

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


def is_alive(pid: int, *, started_at: float, start_ticks: int) -> bool:
    """Whether the very process that started then runs on this machine; a zombie does not."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if start_ticks:
            return _start_ticks(pid) == start_ticks
        return abs(process.create_time() - started_at) <= START_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False


def _start_ticks(pid: int) -> int:
    """Field 22 of /proc/<pid>/stat; the name in field 2 may hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(text[text.rindex(b")") + 2 :].split()[19])
