"""Evaluators without a network: they make search and self-play fast and plain to follow."""

from __future__ import annotations

import numpy as np

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import MAX_LEGAL, legal_count


class UniformEvaluator:
    """Equal priors over the legal actions, and half the points for every seat."""

    def __init__(self) -> None:
        self.acted: list[np.ndarray] = []
        """The states that it was asked priors for, call by call."""
        self.judged: list[np.ndarray] = []
        """The states that it was asked values for."""

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

    def answer(self, acting: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.priors(acting), self.values(judged)

    def passes(self, acts: int, judges: int) -> None:
        """It is asked from Python alone."""
