"""The ledger of the hosts: what each has done for the job, and when it answered last."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from blobmaster.cluster.schedule import LATE_FACTOR
from blobmaster.run.status.schema import Host

SILENT_S = 60.0
"""A host is silent after this, and `LATE_FACTOR` times the longest wait for a block so far."""
FIRST_SILENT_S = 300.0
"""Seconds without an answer after which a host that has played nothing yet is silent. Longer than
`SILENT_S`, because it may be compiling kernels."""
SETTLE_S = 5.0
"""Time from a job's start until its own rates are shown; until then the last job's are."""


@dataclass
class _Entry:
    units: int = 0
    """Units that it has played of the current job."""
    rate_before: float | None = None
    """Units a minute of the last job."""
    answered_at: float | None = None
    asked_at: float | None = None
    """Time of the first question since the last answer."""
    has_played: bool = False

    @property
    def silent_since(self) -> float:
        times = [time for time in (self.answered_at, self.asked_at) if time is not None]
        return max(times, default=0.0)


class HostLedger:
    """The work and the last answer of each host, by its node. It knows no Ray.

    Only a host that was asked can be silent.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._longest = 0.0
        self._began_at = clock()
        self._ended_at: float | None = None

    def begin(self) -> None:
        """Start a job: count its units anew."""
        self._began_at, self._ended_at = self._clock(), None
        for entry in self._entries.values():
            entry.units = 0
            # Answers to the last job are not heard any more. A host that has never answered was
            # asked for its facts alone, and these still count.
            if entry.answered_at is not None:
                entry.asked_at = None

    def end(self) -> None:
        """End a job."""
        self._ended_at = self._clock()
        for entry in self._entries.values():
            entry.rate_before = self._rate(entry)

    def asked(self, node: str) -> None:
        """Note that a host is to play a block, or to tell its facts."""
        entry = self._entry(node)
        if entry.asked_at is None:
            entry.asked_at = self._clock()

    def heard(self, node: str) -> None:
        """Note that a host has told its facts."""
        entry = self._entry(node)
        entry.answered_at, entry.asked_at = self._clock(), None

    def answered(self, node: str, units: int) -> None:
        """Note that a host has played a block of so many units, or that the block failed there."""
        entry = self._entry(node)
        self._longest = max(self._longest, self._clock() - entry.silent_since)
        self.heard(node)
        entry.units += units
        entry.has_played = True

    def host(self, node: str, name: str, address: str, *, actors: int, waiting: int) -> Host:
        """Return what the status shows of a host.

        Args:
            node: the host.
            name, address: the host's.
            actors: its actors.
            waiting: questions that it has not answered.
        """
        entry, now = self._entry(node), self._clock()
        patience = SILENT_S if entry.has_played else FIRST_SILENT_S
        limit = max(patience, LATE_FACTOR * self._longest)
        has_settled = now - self._began_at >= SETTLE_S
        age = None if entry.answered_at is None else now - entry.answered_at
        return Host(
            name=name,
            address=address,
            actors=actors,
            units_per_minute=self._rate(entry) if has_settled else entry.rate_before,
            answered_at=None if age is None else time.time() - age,
            silent=waiting > 0 and now - entry.silent_since > limit,
        )

    def _entry(self, node: str) -> _Entry:
        return self._entries.setdefault(node, _Entry())

    def _rate(self, entry: _Entry) -> float | None:
        until = self._clock() if self._ended_at is None else self._ended_at
        minutes = (until - self._began_at) / 60
        return entry.units / minutes if minutes > 0 else None
