"""The gain over the last doubling of the rounds played, and since when a run gains nothing.

A rating seats the newest network among copies of the run's own network that had played half as
many rounds. Such a match does not saturate, as tables of fixed players do. A single one says
little: with 1,000 deals its interval is about ±0.1 points. So a run counts as flat only by the mean
of its newest matches, which have deals of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.bootstrap import Estimate, student_mean

HALFWAY = "halfway network"
"""The earlier network, as a player of the match."""

POOLED = 4
"""The newest matches whose mean decides whether a run is flat."""

FLAT_GAIN = 0.05
"""A run is flat once the interval of its mean gain lies below this: points a round, or in games a
tenth of it as a share of the wins."""

_NORMAL_95 = 1.96
_LEVEL = 0.95


class DoublingGain(NamedTuple):
    """The result of one match against the halfway network."""

    iteration: int
    """1-based: the network that was rated."""
    earlier: int
    """1-based: the halfway network."""
    gain: Estimate
    """Points a round ahead of copies of the halfway network; in games, the share of the wins above
    an even one."""
    error: float
    """Standard error of the gain."""

    def __str__(self) -> str:
        """Return the gain for a log line."""
        gain = self.gain
        return (
            f"{gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f}) over iter{self.earlier:03d}"
        )


def measure_gain(iteration: int, earlier: int, leads: npt.NDArray[np.float64]) -> DoublingGain:
    """Summarize a match.

    Args:
        iteration, earlier: 0-based numbers of the two networks.
        leads: `[deals]`: what the newer network was ahead, on the mean of a deal's rotations.
    """
    error = float(leads.std(ddof=1)) / math.sqrt(len(leads))
    return DoublingGain(iteration + 1, earlier + 1, student_mean(leads, _LEVEL), error)


class DoublingGains:
    """The gains of a run, oldest first; part of what a checkpoint holds."""

    def __init__(self, flat_gain: float = FLAT_GAIN) -> None:
        """Args:
        flat_gain: a run is flat once its mean gain is surely below it.
        """
        self._flat_gain = flat_gain
        self._found: list[DoublingGain] = []

    def add(self, gain: DoublingGain) -> None:
        """Add the newest gain."""
        self._found.append(gain)

    @property
    def flat_since(self) -> int | None:
        """The iteration (1-based) since which the run is flat without a break; None if it is not.

        It is the halfway network of the first match that counts: from there on nothing was gained.
        """
        since = None
        for end in range(POOLED, len(self._found) + 1):
            newest = self._found[end - POOLED : end]
            if not self._is_flat(newest):
                since = None
            elif since is None:
                since = newest[0].earlier
        return since

    def _is_flat(self, newest: Sequence[DoublingGain]) -> bool:
        mean = sum(gain.gain.value for gain in newest) / len(newest)
        error = math.sqrt(sum(gain.error**2 for gain in newest)) / len(newest)
        return mean + _NORMAL_95 * error <= self._flat_gain

    def metrics(self) -> dict[str, Any]:
        """Return the fields of a run's history; all null before the first match."""
        newest = self._found[-1] if self._found else None
        gain = (None, None, None) if newest is None else newest.gain
        names = ("doubling_gain", "doubling_gain_low", "doubling_gain_high")
        return {
            **dict(zip(names, gain, strict=True)),
            "doubling_since": None if newest is None else newest.earlier,
            "flat_since": self.flat_since,
        }

    def state_dict(self) -> list[list[float]]:
        """Return the gains as plain numbers."""
        return [[g.iteration, g.earlier, *g.gain, g.error] for g in self._found]

    def load_state_dict(self, state: Sequence[Sequence[float]]) -> None:
        """Restore what `state_dict` returned."""
        self._found = [
            DoublingGain(int(row[0]), int(row[1]), Estimate(*row[2:5]), row[5]) for row in state
        ]


def halfway(iteration: int, units: Mapping[int, int], rated: Sequence[int]) -> int | None:
    """Return the rated iteration at about half of the rounds that a run has played.

    Args:
        iteration: 0-based: the newest one.
        units: the rounds or games of each iteration up to it, by its 0-based number.
        rated: 0-based numbers of earlier iterations that were rated, ascending.

    Returns:
        Its 0-based number; None if no earlier iteration was rated, or the nearest one is further
        from half than by a quarter of all.
    """
    total = sum(units[number] for number in range(iteration + 1))
    played, sums = 0, {}
    for number in range(iteration):
        played += units[number]
        sums[number] = played
    near = [number for number in rated if abs(sums[number] - total / 2) <= total / 4]
    # Of two that are equally near, the earlier one.
    return min(near, key=lambda number: (abs(sums[number] - total / 2), number), default=None)
