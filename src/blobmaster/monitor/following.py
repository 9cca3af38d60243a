"""A followed run as frozen data: its last reading, and the request that this monitor sent to it.

The screen and the page in the browser both show the view that is made here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.view import SILENT, PendingRequest, Reading, View, is_answered, view


@dataclass(frozen=True, kw_only=True)
class Following:
    """The state of a monitor that follows one run; each method returns the next state."""

    options: MonitorOptions
    reading: Reading | None = None
    """None before the first one."""
    pending: PendingRequest | None = None
    """The request that the trainer has not answered yet."""
    send_error: str | None = None
    """Why the last request could not be sent."""

    def with_reading(self, reading: Reading) -> Following:
        """Take a new reading, which may hold the answer to the request."""
        pending = self.pending
        if pending is not None and reading.status is not None:
            pending = None if is_answered(pending, reading.status) else pending
        return replace(self, reading=reading, pending=pending)

    def with_request(self, text: str, now: float) -> Following:
        """Take note of a request that is being sent at `now` (monotonic seconds)."""
        status = None if self.reading is None else self.reading.status
        pending = PendingRequest(text=text, at=now, seq=0 if status is None else status.seq)
        return replace(self, pending=pending, send_error=None)

    def with_answer_of_sending(self, error: str | None) -> Following:
        """Take note that the request was sent, or why it could not be."""
        return replace(self, pending=None if error else self.pending, send_error=error)

    @property
    def can_write(self) -> bool:
        """True if requests may be sent."""
        return not self.options.readonly and self.reading is not None and self.reading.writable

    def is_silent(self, now: float) -> bool:
        """Return True if the file system has not answered for two readings."""
        return self.reading is not None and now - self.reading.now > silence_limit_s(self.options)

    def view(self, now: float) -> View | None:
        """Return the view at `now` (monotonic seconds); None before the first reading."""
        reading = self.reading
        if reading is None:
            return None
        if self.is_silent(now):
            reading = replace(reading, now=now, problem=SILENT)
        shown = view(reading, self.options.status_file, self.pending)
        return shown if self.send_error is None else replace(shown, request=self.send_error)


def silence_limit_s(options: MonitorOptions) -> float:
    """Return the seconds after which the file system counts as hanging."""
    return 2 * options.refresh_interval + 1
