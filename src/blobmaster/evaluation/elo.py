"""Elo of all players that met at mixed tables, fitted to the ranking of every deal.

All results are kept, as counts of rankings per rating, and fitted together, so a later result
corrects an earlier rating. The counts suffice for intervals too: a rating's deals are exchangeable,
so resampling them is resampling its counts.
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
"""The Elo of the first player, the anchor of the scale."""

ELO_PER_DECADE = 400.0
"""400 more Elo is ten times the strength: the stronger player is ahead in 10 of 11 deals."""

DRAWS = 1.0
"""Virtual draws of every player against the anchor, which keep the Elo of a perfect record finite.
With some hundred real deals they move a rating by a few points."""


class League:
    """All players and the counts of their rankings; survives a resume through its state dict."""

    def __init__(self, players: Sequence[str]) -> None:
        """Args:
        players: the first names; the first of them is the anchor.
        """
        self._players = list(players)
        self._standings: Standings = np.empty((0, 0), np.int16)
        self._counts = np.empty(0, np.int32)
        self._sizes: list[int] = []

    def __contains__(self, name: str) -> bool:
        return name in self._players

    def add(self, names: Sequence[str], lineups: Lineups, points: npt.NDArray[np.int64]) -> None:
        """Add the results of a rating's tables.

        Args:
            names: the players to which `lineups` refers; new ones join the league.
            lineups: `[deals, places]`, the player at each place.
            points: `[deals, places]`, its score in all rotations of the deal together.
        """
        self._players += [name for name in names if name not in self._players]
        numbers = np.array([self._players.index(name) for name in names])
        # Equal rankings are stored once, with a count: a run keeps all its
        # results in every checkpoint.
        ranked = standings_of(numbers[lineups], points)
        standings, counts = np.unique(ranked, axis=0, return_counts=True)
        self._standings = np.concatenate(_as_wide(self._standings, standings))
        self._counts = np.concatenate([self._counts, counts.astype(np.int32)])
        self._sizes.append(len(counts))

    def elos(self) -> dict[str, float]:
        """Fit the Elo of every player to all results so far."""
        # From equal strengths, not from the last rating's: the same results then give the
        # same bits after a resume.
        start = np.ones(len(self._players))
        elos = _elo(fit(choices_of(self._standings), self._counts, start, draws=DRAWS))
        return dict(zip(self._players, elos.tolist(), strict=True))

    def estimates(self, resamples: int, generator: np.random.Generator) -> dict[str, Estimate]:
        """Estimate the Elo of every player; the bootstrap resamples the deals of each rating."""
        choices = choices_of(self._standings)
        strengths = fit(choices, self._counts, np.ones(len(self._players)), draws=DRAWS)
        ratings = np.split(self._counts, np.cumsum(self._sizes)[:-1])
        resampled = np.empty((resamples, len(self._players)))
        for sample in range(resamples):
            # A rating's deals are exchangeable: resampling them is a multinomial draw of its
            # counts. Each fit starts at the strengths of all results, which saves most of its
            # steps.
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
        """Return all results as arrays, numbers and names."""
        return {
            "players": list(self._players),
            "standings": self._standings,
            "counts": self._counts,
            "sizes": list(self._sizes),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._players = list(state["players"])
        self._standings = np.array(state["standings"], np.int16)
        self._counts = np.array(state["counts"], np.int32)
        self._sizes = list(state["sizes"])


def _elo(strengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return ANCHOR_ELO + ELO_PER_DECADE * np.log10(strengths)


def _as_wide(*standings: Standings) -> list[Standings]:
    """Pad standings with `EMPTY` to the width of the widest."""
    width = max(part.shape[1] for part in standings)
    return [
        np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=EMPTY)
        for part in standings
    ]
