"""Samples the machine's load and disk space in the trainer, so that a remote monitor shows them."""

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from blobmaster.run import container
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import DISK_LOW, Disk, Machine

MACHINE_SECONDS = 2.0
DISK_SECONDS = 10.0
LOW_BYTES = 2_000_000_000

log = logging.getLogger(__name__)


class MachineSampler:
    """Samples load and memory of the machine, or of the container that limits this process."""

    def __init__(self, groups: Path = container.OWN, mount: Path = container.MOUNT) -> None:
        """`groups` and `mount` are the files that `container` reads."""
        self._groups = groups
        self._mount = mount
        self._cpu_before: tuple[float, float] | None = None

    def sample(self, now: float, workers: int | None, gpu: dict[str, Any] | None) -> Machine:
        """Read the figures at monotonic `now`; `cpu_percent` covers the time since the last call.

        The first call's `cpu_percent` is 0.

        Raises:
            OSError: the system does not tell them, as Linux without /proc.
            psutil.Error: the same.
        """
        quota = container.cpu_quota(self._groups, self._mount)
        limit = container.memory_limit(self._groups, self._mount)
        memory = psutil.virtual_memory()
        total, used = memory.total, memory.total - memory.available
        if limit is not None and limit.bytes < total:
            total, used = limit.bytes, min(used, limit.bytes)
            used = used if limit.used_bytes is None else limit.used_bytes
        cores = container.whole_cores(quota, psutil.cpu_count() or 1)
        percent = psutil.cpu_percent()
        if quota is not None and quota.cpus <= cores and quota.used_s is not None:
            percent = self._percent_of_quota(now, quota.used_s, quota.cpus)
        return Machine(
            cpu_percent=percent,
            cores=cores,
            load1=os.getloadavg()[0],
            memory_used_bytes=used,
            memory_total_bytes=total,
            rss_bytes=psutil.Process().memory_info().rss,
            workers=workers,
            gpu=gpu,
        )

    def _percent_of_quota(self, now: float, used_s: float, cpus: float) -> float:
        """Return the share of the quota that was used since the last call, 0..100."""
        before, self._cpu_before = self._cpu_before, (now, used_s)
        if before is None or now <= before[0]:
            return 0.0
        return min(100.0, max(0.0, 100 * (used_s - before[1]) / (now - before[0]) / cpus))


class ResourceSampler:
    """Publishes the machine's load and the disk's space, each at its own interval."""

    def __init__(self, layout: RunLayout, publisher: StatusPublisher) -> None:
        self._layout = layout
        self._publisher = publisher
        self._machine = MachineSampler()
        self._machine_at = self._disk_at = 0.0
        self.workers: int | None = None
        self.gpu: Callable[[], dict[str, Any] | None] | None = None
        """Returns the GPU's figures, if the loop uses one."""
        self.hours_left: Callable[[int, int], float | None] = lambda *_: None
        """Returns the hours until the run fills a disk, by its device number and its free bytes;
        None if unknown or never."""

    def sample(self, now: float) -> None:
        """Publish what is due at monotonic `now`."""
        if now >= self._machine_at:
            self._machine_at = now + MACHINE_SECONDS
            self._sample_machine(now)
        if now >= self._disk_at:
            self._disk_at = now + DISK_SECONDS
            self._sample_disk()

    def _sample_machine(self, now: float) -> None:
        gpu = self.gpu() if self.gpu else None
        try:
            machine = self._machine.sample(now, self.workers, gpu)
        except (OSError, psutil.Error) as error:
            log.warning("cannot read the machine's load, which is not shown from now on: %s", error)
            self._machine_at = math.inf
            machine = None
        self._publisher.update(urgent=False, machine=machine)

    def _sample_disk(self) -> None:
        try:
            disks = [self._read_disk(number, folder) for number, folder in self._disks().items()]
        except OSError as error:
            log.warning("cannot read the disk usage of %s: %s", self._layout.root, error.strerror)
            return
        first = min(
            disks,
            key=lambda disk: (
                not disk.low,
                math.inf if disk.hours_left is None else disk.hours_left,
            ),
        )
        self._update_alert(first)
        self._publisher.update(urgent=False, disk=first)

    def _disks(self) -> dict[int, Path]:
        """Return a folder on each disk that the run fills, the run directory first."""
        folders = (self._layout.root, self._layout.permanent, self._layout.cache)
        found: dict[int, Path] = {}
        for folder in folders:
            if folder == self._layout.root or folder.exists():  # the others may be still to be made
                found.setdefault(folder.stat().st_dev, folder)
        return found

    def _read_disk(self, number: int, folder: Path) -> Disk:
        usage = psutil.disk_usage(str(folder))
        return Disk(
            free_bytes=usage.free,
            total_bytes=usage.total,
            low=usage.free < LOW_BYTES,
            hours_left=self.hours_left(number, usage.free),
            folder=None if folder == self._layout.root else folder.name,
        )

    def _update_alert(self, disk: Disk) -> None:
        was_low = self._publisher.status.disk is not None and self._publisher.status.disk.low
        if not disk.low:
            self._publisher.clear_alert(DISK_LOW)
            return
        when = "" if disk.hours_left is None else f", full in {disk.hours_left:.1f} hours"
        where = "" if disk.folder is None else f" for {disk.folder}/"
        message = f"only {disk.free_bytes / 1e9:.2f} GB free{where}{when}: free some space"
        if not was_low:
            log.warning("%s", message)
        self._publisher.raise_alert(DISK_LOW, "warning", message)
