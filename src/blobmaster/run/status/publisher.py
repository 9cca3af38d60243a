"""Collects the run's status from all threads; one thread writes it to status.json."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from blobmaster.run.control.process import ProcessIdentity
from blobmaster.run.files import atomic
from blobmaster.run.files.ballast import Ballast
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.run_progress import RunProgress
from blobmaster.run.status.schema import AT_REST, ENDED, Alert, Status, encode
from blobmaster.run.status.step_progress import StepProgress

log = logging.getLogger(__name__)


class StatusPublisher:
    """Holds the current status. Any thread may update it; one thread at a time calls `write`."""

    def __init__(
        self,
        layout: RunLayout,
        process: ProcessIdentity,
        progress: StepProgress,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`progress` is sampled with the seconds of `clock`; `wake` asks for a write soon."""
        now = time.time()
        self._layout = layout
        self._ballast = Ballast(layout.ballast)
        self._progress = progress
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._changed = True
        self._run_progress: RunProgress | None = None
        self._writable = True
        self._status = Status(
            run_id="",
            seq=0,
            state="starting",
            pid=process.pid,
            process_started_at=process.started_at,
            process_start_ticks=process.start_ticks,
            pid_namespace=process.pid_namespace,
            boot_id=process.boot_id,
            host=process.host,
            heartbeat_at=now,
            timestamp=now,
            session_started_at=now,
            iteration=0,
            total_iterations=0,
            progress=0.0,
            elapsed_hours=0.0,
        )

    @property
    def status(self) -> Status:
        """The fields as last updated, without those that `write` samples."""
        return self._status

    @property
    def changed(self) -> bool:
        """True if an update should not wait for the next heartbeat."""
        return self._changed

    def track(self, progress: RunProgress) -> None:
        """Sample iteration, progress and times from `progress` from now on."""
        self._run_progress = progress

    def update(self, *, urgent: bool = True, **fields: Any) -> None:
        """Set fields of the status; with `urgent` they are written at once."""
        with self._lock:
            self._status = msgspec.structs.replace(self._status, **fields)
            self._changed = self._changed or urgent
        if urgent:
            self._wake()

    def set_state(self, state: str) -> None:
        """Set the state; an ended run stays ended, and an unchanged state is no update."""
        if state != self._status.state and self._status.state not in ENDED:
            self.update(state=state)

    def raise_alert(self, kind: str, level: str, message: str) -> None:
        """Raise an alert; raised again, its kind keeps the time and replaces the message."""
        with self._lock:
            others = [alert for alert in self._status.alerts if alert.kind != kind]
            since = [alert.since for alert in self._status.alerts if alert.kind == kind]
            new = Alert(kind=kind, level=level, message=message, since=(*since, time.time())[0])
            self._status = msgspec.structs.replace(self._status, alerts=[*others, new])
            self._changed = True
        self._wake()

    def clear_alert(self, kind: str) -> None:
        """Remove the alert of this kind, if it is raised."""
        with self._lock:
            left = [alert for alert in self._status.alerts if alert.kind != kind]
            self._changed = self._changed or len(left) < len(self._status.alerts)
            self._status = msgspec.structs.replace(self._status, alerts=left)

    def relocate(self, layout: RunLayout) -> None:
        """Write to another path from now on: the run directory was moved away."""
        self._layout = layout
        self._ballast = Ballast(layout.ballast)

    def write(self) -> None:
        """Write the file; a failure is logged once, and the next heartbeat tries again."""
        # A heartbeat is not synced: it is replaced within seconds, and after a power loss no status
        # is true anyway. An urgent update is synced, but its folder is not: losing the rename only
        # brings back the previous status, and a sync costs as much as the rest of the write.
        with self._lock:
            urgent, self._changed = self._changed, False
            self._status = msgspec.structs.replace(self._status, seq=self._status.seq + 1)
            status = self._status
        sync = atomic.Sync.FILE if urgent else atomic.Sync.NOTHING
        data = encode(self._sampled(status))
        try:
            self._replace(data, sync)
        except OSError as error:
            if self._writable:
                log.warning("cannot write %s: %s", self._layout.status, error.strerror)
            self._writable = False
        else:
            self._writable = True

    def _replace(self, data: bytes, sync: atomic.Sync) -> None:
        try:
            atomic.replace(self._layout.status, data, sync)
        except OSError as error:
            if error.errno not in atomic.NO_SPACE or not self._ballast.release():
                raise
            atomic.replace(self._layout.status, data, sync)
        if self._status.state != "waiting":
            self._ballast.reserve()

    def close(self) -> None:
        """Release the reserved disk space.

        Raises:
            OSError: the file cannot be deleted.
        """
        self._ballast.release()

    def _sampled(self, status: Status) -> Status:
        now, wall = self._clock(), time.time()
        progress = self._progress.sample(now, wall)
        sampled = msgspec.structs.replace(
            status,
            heartbeat_at=wall,
            timestamp=wall,
            timestamp_iso=datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds"),
            step=None if status.state in AT_REST else progress.step,
            progress_count=progress.count,
            progress_at=progress.moved_at,
            slowest_gap_s=progress.slowest_gap_s,
        )
        if self._run_progress is None:
            return sampled
        run = self._run_progress.sample(now)
        eta_hours = None if run.seconds_left is None else run.seconds_left / 3600
        return msgspec.structs.replace(
            sampled,
            iteration=run.iteration,
            total_iterations=run.total_iterations,
            progress=run.progress,
            elapsed_hours=run.elapsed_seconds / 3600,
            eta_hours=eta_hours,
            eta_days=None if eta_hours is None else eta_hours / 24,
        )
