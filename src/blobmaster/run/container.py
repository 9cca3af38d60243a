"""Reads the limits of the container (Linux control group) that this process runs in.

Docker, Kubernetes, Slurm and systemd all limit a process by control groups, version 1 or 2. A limit
of any enclosing group applies too, as far as it can be seen: a container sees its own group as the
root. Formats: the kernel's `cgroup-v2.rst`, `cgroup-v1/memory.rst` and `sched-bwc.rst`.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

MOUNT: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")
"""The groups of this process: `0::/path` for version 2, `4:memory:/path` for version 1."""
_NO_LIMIT: Final = 1 << 60
"""Version 1 writes an enormous number where there is no limit."""


@dataclass(frozen=True, kw_only=True)
class CpuQuota:
    """A limit of CPU time."""

    cpus: float
    """CPU seconds per second."""
    used_s: float | None
    """CPU seconds that the limited processes have used so far; None if unknown."""


@dataclass(frozen=True, kw_only=True)
class MemoryLimit:
    """A limit of memory."""

    bytes: int
    used_bytes: int | None
    """In use by the limited processes, without the file cache; None if unknown."""


def cpu_quota(own: Path = OWN, mount: Path = MOUNT) -> CpuQuota | None:
    """Return the smallest CPU quota that applies to this process; None if there is none."""
    quotas = [
        CpuQuota(cpus=cpus, used_s=_used_cpu_seconds(group))
        for group in _groups("cpu", own, mount)
        if (cpus := _cpus(group)) is not None
    ]
    return min(quotas, key=lambda quota: quota.cpus, default=None)


def memory_limit(own: Path = OWN, mount: Path = MOUNT) -> MemoryLimit | None:
    """Return the smallest memory limit that applies to this process; None if there is none."""
    limits = [
        MemoryLimit(bytes=size, used_bytes=_used_bytes(group))
        for group in _groups("memory", own, mount)
        if (size := _memory(group)) is not None
    ]
    return min(limits, key=lambda limit: limit.bytes, default=None)


def usable_cores(own: Path = OWN, mount: Path = MOUNT) -> int:
    """Return the number of cores that this process can keep busy, at least 1."""
    # `cpu_count` would also count the cores that a job has not been given.
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(cores, whole_cores(cpu_quota(own, mount), cores))


def whole_cores(quota: CpuQuota | None, cores: int) -> int:
    """Return the cores that a quota leaves of `cores`; a part of a core counts as one."""
    return cores if quota is None else max(1, min(cores, math.ceil(quota.cpus)))


def _groups(controller: str, own: Path, mount: Path) -> Iterator[Path]:
    """Yield the folders of the groups that limit this process, innermost first."""
    for line in _read(own).splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            roots = [mount, mount / "unified"]  # the latter beside version 1
        elif controller in names.split(","):
            roots = [mount / controller]
        else:
            continue
        group = PurePosixPath(path)
        # `/../x` is a group outside the container. The path may also be the host's, which does not
        # exist here. In both cases the root of what is mounted here is the container's own group.
        inner = (group, *group.parents) if ".." not in group.parts else (PurePosixPath("/"),)
        for root in roots:
            yield from (root / folder.relative_to("/") for folder in inner if folder.is_absolute())


def _cpus(group: Path) -> float | None:
    words = _read(group / "cpu.max").split() or [
        _read(group / "cpu.cfs_quota_us").strip(),
        _read(group / "cpu.cfs_period_us").strip(),
    ]
    quota, period = (_whole(word) for word in (*words, "", "")[:2])
    return quota / period if quota and period else None


def _memory(group: Path) -> int | None:
    size = _whole(_read(group / "memory.max") or _read(group / "memory.limit_in_bytes"))
    return size if size and size < _NO_LIMIT else None


def _used_cpu_seconds(group: Path) -> float | None:
    microseconds = _entry(_read(group / "cpu.stat"), "usage_usec")
    if microseconds is not None:
        return microseconds / 1e6
    nanoseconds = _whole(_read(group / "cpuacct.usage"))
    return None if nanoseconds is None else nanoseconds / 1e9


def _used_bytes(group: Path) -> int | None:
    used = _whole(_read(group / "memory.current") or _read(group / "memory.usage_in_bytes"))
    if used is None:
        return None
    # The kernel takes cached files back when memory runs short, so they are not in use.
    stat = _read(group / "memory.stat")
    cached = _entry(stat, "total_inactive_file") or _entry(stat, "inactive_file") or 0
    return max(0, used - cached)


def _entry(text: str, name: str) -> int | None:
    """Return a value of a file of `name value` lines."""
    for line in text.splitlines():
        found, _, value = line.partition(" ")
        if found == name:
            return _whole(value)
    return None


def _whole(text: str) -> int | None:
    """Return a number that is not negative; None for `max`, -1 or anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _read(path: Path) -> str:
    """Return a small file's text; empty if there is none, as on a system without control groups."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
