"""Metric sinks: every place that receives the metrics of a finished iteration.

A new one, such as an experiment tracker, is one class with `write`, and one line in `open_sinks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from blobmaster.run.session import RunSession


class MetricSink(Protocol):
    """Receives the metrics of each iteration as soon as it is finished."""

    def write(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        """Take the metrics of an iteration.

        Args:
            iteration: 0-based.
            metrics: plain JSON values by the names of `history.jsonl`. Those of a rating are there
                only if the iteration was rated.
        """
        ...


class StatusSink:
    """Shows the metrics in `status.json`, where those that are not given keep their values."""

    def __init__(self, session: RunSession) -> None:
        self._session = session

    def write(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        """See `MetricSink`."""
        del iteration
        self._session.publish(metrics)


class HistorySink:
    """Holds the row for `history.jsonl` until the iteration is committed.

    A row becomes durable together with a checkpoint. Written earlier, it would be there twice after
    a crash: the resumed run trains the iteration again.
    """

    def __init__(self) -> None:
        self._row: dict[str, Any] = {}

    def write(self, iteration: int, metrics: Mapping[str, Any]) -> None:
        """See `MetricSink`."""
        del iteration
        self._row = dict(metrics)

    def take(self) -> dict[str, Any]:
        """Return the row, which belongs to the caller from now on."""
        row, self._row = self._row, {}
        return row


def open_sinks(session: RunSession, history: HistorySink) -> tuple[MetricSink, ...]:
    """Return all sinks of a run."""
    return (StatusSink(session), history)
