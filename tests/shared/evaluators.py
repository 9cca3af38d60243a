"""Evaluators without a network: search and self-play with them are fast and easy to follow."""

from __future__ import annotations

import numpy as np

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import BIDS, MAX_LEGAL, legal_count


class UniformEvaluator:
    """An `Evaluator` of equal priors over legal actions, and half the points for every seat."""

    def __init__(self) -> None:
        self.acted: list[np.ndarray] = []
        """States passed to `priors`, call by call."""
        self.judged: list[np.ndarray] = []
        """States passed to `values`, call by call."""

    def priors(self, states: np.ndarray) -> np.ndarray:
        self.acted.append(states.copy())
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            count = legal_count(state)
            priors[row, :count] = 1 / count
        return priors

    def values(self, states: np.ndarray) -> np.ndarray:
        self.judged.append(states.copy())
        return np.full((len(states), MAX_PLAYERS), 0.5, np.float32)

    def evaluate(self, acting: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.priors(acting), self.values(judged)

    def passes(self, acts: int, judges: int) -> None:
        """Return None: this evaluator is called from Python only."""

    def chances(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bids = np.maximum(states[:, BIDS : BIDS + MAX_PLAYERS], 0)
        return bids, np.full((len(states), MAX_PLAYERS), 0.5, np.float32)

    def standings(self, states: np.ndarray) -> np.ndarray:
        return np.full((len(states), MAX_PLAYERS), 1 / MAX_PLAYERS, np.float32)
