"""Samples the machine and the disk, in the trainer, so that a remote monitor can show them."""

import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import DISK_LOW, Disk, Machine

MACHINE_SECONDS = 2.0
DISK_SECONDS = 10.0
TREND_SAMPLES = 8640
"""A day of them."""
LOW_BYTES = 2_000_000_000
TREND_SECONDS = 600.0
"""A trend over less than this says more about one checkpoint than about the disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FreeSpace:
    """What was free at a moment."""

    at: float
    free_bytes: int


def sample_machine(workers: int | None, gpu: dict[str, Any] | None) -> Machine:
    """The first call's `cpu_percent` is 0: the load is taken between two calls."""
    memory = psutil.virtual_memory()
    return Machine(
        cpu_percent=psutil.cpu_percent(),
        cores=psutil.cpu_count() or 1,
        load1=os.getloadavg()[0],
        memory_used_bytes=memory.total - memory.available,
        memory_total_bytes=memory.total,
        rss_bytes=psutil.Process().memory_info().rss,
        workers=workers,
        gpu=gpu,
    )


def hours_left(
    past: Sequence[FreeSpace], free_bytes: int, own_bytes_per_s: float | None
) -> float | None:
    """Until the disk is full, at the faster of two rates: the run's own, and what was observed.

    `past` is in the order of time, in the same clock; None while neither rate is known or both
    say that nothing is used up.
    """
    rates = [] if own_bytes_per_s is None else [own_bytes_per_s]
    if len(past) > 1 and past[-1].at - past[0].at >= TREND_SECONDS:
        used = past[0].free_bytes - past[-1].free_bytes
        rates.append(used / (past[-1].at - past[0].at))
    fastest = max(rates, default=0.0)
    return free_bytes / fastest / 3600 if fastest > 0 else None


class Surroundings:
    """Puts the machine's load and the disk's room on the publisher, each at its own pace."""

    def __init__(self, root: Path, publisher: StatusPublisher) -> None:
        self._root = root
        self._publisher = publisher
        self._machine_at = self._disk_at = 0.0
        self._past: deque[FreeSpace] = deque(maxlen=TREND_SAMPLES)
        self.workers: int | None = None
        self.gpu: Callable[[], dict[str, Any] | None] | None = None
        """Samples the graphics card, where the loop uses one."""
        self.own_bytes_per_s: float | None = None
        """What the run's checkpoints take for good, at its present pace."""

    def sample(self, now: float) -> None:
        if now >= self._machine_at:
            self._machine_at = now + MACHINE_SECONDS
            gpu = self.gpu() if self.gpu else None
            self._publisher.put(soon=False, machine=sample_machine(self.workers, gpu))
        if now >= self._disk_at:
            self._disk_at = now + DISK_SECONDS
            self._sample_disk(now)

    def _sample_disk(self, now: float) -> None:
        try:
            usage = psutil.disk_usage(str(self._root))
        except OSError as error:
            log.warning("cannot look at the disk of %s: %s", self._root, error.strerror)
            return
        self._past.append(FreeSpace(now, usage.free))
        left = hours_left(self._past, usage.free, self.own_bytes_per_s)
        low = usage.free < LOW_BYTES
        disk = Disk(free_bytes=usage.free, total_bytes=usage.total, low=low, hours_left=left)
        self._warn(disk)
        self._publisher.put(soon=False, disk=disk)

    def _warn(self, disk: Disk) -> None:
        was_low = self._publisher.facts.disk is not None and self._publisher.facts.disk.low
        if not disk.low:
            self._publisher.clear_alert(DISK_LOW)
            return
        when = "" if disk.hours_left is None else f", full in {disk.hours_left:.1f} hours"
        message = f"only {disk.free_bytes / 1e9:.2f} GB free{when}: free some space"
        if not was_low:
            log.warning("%s", message)
        self._publisher.alert(DISK_LOW, "warning", message)
