"""What an evaluator's player does without search: its priors at states, or the likeliest action."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL, State
from blobmaster.search.mcts import Evaluator

Choices = npt.NDArray[np.float64]
"""`[states, MAX_LEGAL]`: how likely each action is, in the order of `legal_actions`."""

ROWS = 1024
"""The most states that an evaluator is asked about at once: the capacity that it needs here."""


def priors_at(evaluator: Evaluator, states: State) -> Choices:
    """The evaluator's priors at `[states, STATE]`, each at a real choice."""
    priors = np.empty((len(states), MAX_LEGAL))
    for start in range(0, len(states), ROWS):
        priors[start : start + ROWS] = evaluator.priors(states[start : start + ROWS])
    return priors


def likeliest(priors: Choices) -> Choices:
    """The policy that takes the first action of the highest prior, as `NetworkAgent` does."""
    choices = np.zeros_like(priors)
    choices[np.arange(len(priors)), priors.argmax(axis=1)] = 1.0
    return choices
