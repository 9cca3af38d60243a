"""The policies of an evaluator without search: its prior, or the action of highest prior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL, State
from blobmaster.inference.evaluator import Evaluator

Choices = npt.NDArray[np.float64]
"""`[states, MAX_LEGAL]`: the probability of each action, in the order of `legal_actions`."""

ROWS = 1024
"""Largest batch of states: the capacity that an evaluator needs here."""


def priors_at(evaluator: Evaluator, states: State) -> Choices:
    """Evaluate the priors of `[states, STATE]`, each with at least two legal actions."""
    priors = np.empty((len(states), MAX_LEGAL))
    for start in range(0, len(states), ROWS):
        priors[start : start + ROWS] = evaluator.priors(states[start : start + ROWS])
    return priors


def most_likely_policy(priors: Choices) -> Choices:
    """Return the policy that takes the first action of highest prior, as `NetworkAgent` does."""
    choices = np.zeros_like(priors)
    choices[np.arange(len(priors)), priors.argmax(axis=1)] = 1.0
    return choices
