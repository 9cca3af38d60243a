"""Elo of everyone who has met at mixed tables, from how every deal ranked its table.

Results are kept for good, as counts of the rankings that came out, and all are fitted together: a
later result corrects an earlier rating. Counts are all that intervals need too, since the deals of
one rating are alike: which of them gave a ranking says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.arena import Lineups
from blobmaster.evaluation.bootstrap import Estimate, estimate
from blobmaster.evaluation.plackett_luce import EMPTY, Standings, choices_of, fit, standings_of

ANCHOR_ELO = 1000.0
"""The Elo of the first player, from which all others are rated."""

ELO_PER_DECADE = 400.0
"""Ten times as strong is 400 more: it comes before the other in 10 of 11 deals."""

DRAWS = 1.0
"""Tied deals with the first player that everyone is given, so that a perfect record stays finite:
against some hundred deals that were played, it moves a rating by a few points."""


class League:
    """Who has played, and how often each ranking came out of each rating's tables."""

    def __init__(self, players: Sequence[str]) -> None:
        """Args:
        players: names to begin with; the first is the anchor.
        """
        self._players = list(players)
        self._standings: Standings = np.empty((0, 0), np.int16)
        self._counts = np.empty(0, np.int32)
        self._sizes: list[int] = []

    def __contains__(self, name: str) -> bool:
        return name in self._players

    def add(self, names: Sequence[str], lineups: Lineups, points: npt.NDArray[np.int64]) -> None:
        """Keep the results of a rating's tables.

        Args:
            names: the players that `lineups` speaks of; new ones join the league.
            lineups: `[deals, places]`, who sat there.
            points: `[deals, places]`, what they made of the deal in all rotations together.
        """
        self._players += [name for name in names if name not in self._players]
        numbers = np.array([self._players.index(name) for name in names])
        ranked = standings_of(numbers[lineups], points)
        standings, counts = np.unique(ranked, axis=0, return_counts=True)
        self._standings = np.concatenate(_as_wide(self._standings, standings))
        self._counts = np.concatenate([self._counts, counts.astype(np.int32)])
        self._sizes.append(len(counts))

    def elos(self) -> dict[str, float]:
        """The Elo of every player, by all results so far."""
        start = np.ones(len(self._players))
        elos = _elo(fit(choices_of(self._standings), self._counts, start, draws=DRAWS))
        return dict(zip(self._players, elos.tolist(), strict=True))

    def estimate(self, name: str, resamples: int, generator: np.random.Generator) -> Estimate:
        """A player's Elo, with the interval over deals: those of each rating are drawn again."""
        return self.estimates(resamples, generator)[name]

    def estimates(self, resamples: int, generator: np.random.Generator) -> dict[str, Estimate]:
        """The Elo of every player, each with its interval."""
        choices = choices_of(self._standings)
        strengths = fit(choices, self._counts, np.ones(len(self._players)), draws=DRAWS)
        ratings = np.split(self._counts, np.cumsum(self._sizes)[:-1])
        resampled = np.empty((resamples, len(self._players)))
        for sample in range(resamples):
            drawn = [generator.multinomial(part.sum(), part / part.sum()) for part in ratings]
            again = fit(choices, np.concatenate(drawn), strengths, draws=DRAWS)
            resampled[sample] = _elo(again)
        deals = int(self._counts.sum())
        return {
            name: estimate(elo, drawn, deals)
            for name, elo, drawn in zip(
                self._players, _elo(strengths).tolist(), resampled.T, strict=True
            )
        }

    def state_dict(self) -> dict[str, Any]:
        """All results: arrays, numbers and names."""
        return {
            "players": list(self._players),
            "standings": self._standings,
            "counts": self._counts,
            "sizes": list(self._sizes),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        self._players = list(state["players"])
        self._standings = np.array(state["standings"], np.int16)
        self._counts = np.array(state["counts"], np.int32)
        self._sizes = list(state["sizes"])


def _elo(strengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return ANCHOR_ELO + ELO_PER_DECADE * np.log10(strengths)


def _as_wide(*standings: Standings) -> list[Standings]:
    """The same standings, filled up to the width of the widest."""
    width = max(part.shape[1] for part in standings)
    return [
        np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=EMPTY)
        for part in standings
    ]
