"""Delivers messages to one target in a thread of its own, with a limited number of retries."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from blobmaster.monitor.notify.events import Event
from blobmaster.monitor.notify.targets import DeliveryError, Target

WAITS_S: Final = (1.0, 4.0, 16.0, 64.0, 256.0)
"""Waits before the second and later attempts: about six minutes in all."""
MOST_WAITING: Final = 32


class Outbox(threading.Thread):
    """A queue for one target; `put` never blocks. A daemon, so a hanging target delays no exit."""

    def __init__(
        self, target: Target, report_error: Callable[[str], None], waits: Sequence[float] = WAITS_S
    ) -> None:
        """`report_error` is called in this thread with each failed delivery and its reason."""
        super().__init__(name=f"outbox {target.name}", daemon=True)
        self._target = target
        self._report_error = report_error
        self._waits = waits
        self._waiting: deque[Event] = deque()
        self._busy = False
        self._draining = False
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Queue a message; if the queue is full, the oldest one is dropped."""
        with self._changed:
            full = len(self._waiting) >= MOST_WAITING
            dropped = self._waiting.popleft() if full else None
            self._waiting.append(event)
            self._changed.notify_all()
        if dropped is not None:
            self._report_error(
                f"{self._target.name}: “{dropped.title}” is dropped, {MOST_WAITING} wait already"
            )

    def drain(self, seconds: float | None) -> int:
        """Wait until the queue is empty; returns the number of undelivered messages.

        With `seconds` it waits no longer than that, and each message gets one more attempt without
        a pause. With None it waits for all attempts.
        """
        with self._changed:
            self._draining = seconds is not None
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)
            return len(self._waiting) + self._busy

    def run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting))
                event = self._waiting.popleft()
                self._busy = True
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for wait in (*self._waits, None):
            try:
                self._target.send(event)
                return
            except DeliveryError as error:
                failed = f"{self._target.name}: “{event.title}” was not delivered: {error}"
                if wait is None or error.is_final or self._draining:
                    self._report_error(f"{failed}; given up")
                    return
                self._report_error(f"{failed}; trying again in {wait:g} s")
            with self._changed:
                self._changed.wait_for(lambda: self._draining, wait)


def drain(outboxes: Sequence[Outbox], seconds: float | None) -> int:
    """Drain all queues within the same `seconds`; returns the number of undelivered messages."""
    deadline = None if seconds is None else time.monotonic() + seconds
    left = 0
    for outbox in outboxes:
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        left += outbox.drain(remaining)
    return left
