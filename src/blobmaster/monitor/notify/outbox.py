"""Delivers messages to one target in a thread of its own, with patience but not without end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from blobmaster.monitor.notify.events import Event
from blobmaster.monitor.notify.targets import DeliveryError, Target

WAITS_S: Final = (1.0, 4.0, 16.0, 64.0, 256.0)
"""Before the second attempt and those after it: about six minutes in all."""
MOST_WAITING: Final = 32


class Outbox(threading.Thread):
    """A queue before one target; `put` never waits. A daemon: a target that hangs holds nobody."""

    def __init__(
        self, target: Target, complain: Callable[[str], None], waits: Sequence[float] = WAITS_S
    ) -> None:
        """`complain` is told, in this thread, what could not be delivered, and why."""
        super().__init__(name=f"outbox {target.name}", daemon=True)
        self._target = target
        self._complain = complain
        self._waits = waits
        self._waiting: deque[Event] = deque()
        self._busy = False
        self._hurried = False
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Have a message delivered; the oldest one gives way where too many wait."""
        with self._changed:
            full = len(self._waiting) >= MOST_WAITING
            dropped = self._waiting.popleft() if full else None
            self._waiting.append(event)
            self._changed.notify_all()
        if dropped is not None:
            self._complain(
                f"{self._target.name}: “{dropped.title}” is dropped, {MOST_WAITING} wait already"
            )

    def settle(self, seconds: float | None) -> int:
        """Wait until nothing waits any more; returns how many messages are left undelivered.

        With `seconds` it takes no longer: pauses between attempts are cut short, one more each is
        made. With None it takes what the attempts take.
        """
        with self._changed:
            self._hurried = seconds is not None
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
                if wait is None or error.is_final or self._hurried:
                    self._complain(f"{failed}; given up")
                    return
                self._complain(f"{failed}; trying again in {wait:g} s")
            with self._changed:
                self._changed.wait_for(lambda: self._hurried, wait)


def settle(outboxes: Sequence[Outbox], seconds: float | None) -> int:
    """Let all of them settle within the same seconds; returns the messages left undelivered."""
    deadline = None if seconds is None else time.monotonic() + seconds
    left = 0
    for outbox in outboxes:
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        left += outbox.settle(remaining)
    return left
