"""What the run says of itself, gathered from all threads and written as status.json by one."""

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
from blobmaster.run.status.course import Course
from blobmaster.run.status.progress import Progress
from blobmaster.run.status.schema import AT_REST, ENDED, Alert, Status, encode

log = logging.getLogger(__name__)


class StatusPublisher:
    """Any thread may put something up; `write` is for one thread at a time."""

    def __init__(
        self,
        layout: RunLayout,
        process: ProcessIdentity,
        progress: Progress,
        wake: Callable[[], None],
    ) -> None:
        now = time.time()
        self._layout = layout
        self._ballast = Ballast(layout.ballast)
        self._progress = progress
        self._wake = wake
        self._lock = threading.Lock()
        self._changed = True
        self._course: Course | None = None
        self._writable = True
        self._facts = Status(
            run_id="",
            seq=0,
            state="starting",
            pid=process.pid,
            process_started_at=process.started_at,
            process_start_ticks=process.start_ticks,
            boot_id=process.boot_id,
            host=process.host,
            heartbeat_at=now,
            timestamp="",
            session_started_at=now,
        )

    @property
    def facts(self) -> Status:
        """What was put up, without what `write` samples."""
        return self._facts

    @property
    def changed(self) -> bool:
        """Something was put up that should not wait for the next heartbeat."""
        return self._changed

    def follow(self, course: Course) -> None:
        """Take iteration, progress and times from here on."""
        self._course = course

    def put(self, *, soon: bool = True, **facts: Any) -> None:
        """Change fields of the status; with `soon` they are written at once."""
        with self._lock:
            self._facts = msgspec.structs.replace(self._facts, **facts)
            self._changed = self._changed or soon
        if soon:
            self._wake()

    def put_state(self, state: str) -> None:
        """Change the state; an ended run stays ended, and what did not change is not news."""
        if state != self._facts.state and self._facts.state not in ENDED:
            self.put(state=state)

    def alert(self, kind: str, level: str, message: str) -> None:
        """Raise an alert; the same kind again replaces the message and keeps the time."""
        with self._lock:
            others = [alert for alert in self._facts.alerts if alert.kind != kind]
            since = [alert.since for alert in self._facts.alerts if alert.kind == kind]
            new = Alert(kind=kind, level=level, message=message, since=(*since, time.time())[0])
            self._facts = msgspec.structs.replace(self._facts, alerts=[*others, new])
            self._changed = True
        self._wake()

    def clear_alert(self, kind: str) -> None:
        with self._lock:
            left = [alert for alert in self._facts.alerts if alert.kind != kind]
            self._changed = self._changed or len(left) < len(self._facts.alerts)
            self._facts = msgspec.structs.replace(self._facts, alerts=left)

    def write(self) -> None:
        """Write the file; a disk that does not take it is reported once and tried again later.

        A heartbeat is not synced: it is replaced within seconds, and after a power loss no status
        describes the machine anyway. News is synced, but not its folder: losing the rename only
        brings back the status before, and a sync costs as much as all the rest together.
        """
        with self._lock:
            news, self._changed = self._changed, False
            self._facts = msgspec.structs.replace(self._facts, seq=self._facts.seq + 1)
            facts = self._facts
        sync = atomic.Sync.FILE if news else atomic.Sync.NOTHING
        data = encode(self._sampled(facts))
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
            if error.errno not in atomic.NO_SPACE or not self._ballast.drop():
                raise
            atomic.replace(self._layout.status, data, sync)
        if self._facts.state != "waiting":
            self._ballast.load()

    def close(self) -> None:
        """Give back what was held for the next write.

        Raises: OSError.
        """
        self._ballast.drop()

    def _sampled(self, facts: Status) -> Status:
        now, wall = time.monotonic(), time.time()
        progress = self._progress.sample(now)
        sampled = msgspec.structs.replace(
            facts,
            heartbeat_at=wall,
            timestamp=datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds"),
            step=None if facts.state in AT_REST else progress.step,
            progress_count=progress.count,
            progress_at=progress.moved_at,
            slowest_gap_s=progress.slowest_gap_s,
        )
        if self._course is None:
            return sampled
        course = self._course.sample(now)
        eta_hours = None if course.seconds_left is None else course.seconds_left / 3600
        return msgspec.structs.replace(
            sampled,
            iteration=course.iteration,
            total_iterations=course.total_iterations,
            progress=course.progress,
            elapsed_hours=course.elapsed_seconds / 3600,
            eta_hours=eta_hours,
            eta_days=None if eta_hours is None else eta_hours / 24,
        )
