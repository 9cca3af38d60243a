"""Players that are exactly as strong as random ones, or between random and the rule of thumb."""

from __future__ import annotations

import numpy as np

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.game.rules import MAX_LEGAL, legal_actions
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, uniform


@kernel
def _choose_backwards(states, streams, actions):
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        count = legal_actions(states[row], legal)
        actions[row] = legal[count - 1 - below(streams[row], count)]


@kernel
def _err(states, streams, share, actions):
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        if uniform(streams[row]) < share:
            actions[row] = legal[below(streams[row], legal_actions(states[row], legal))]


class BackwardAgent:
    """As random as `RandomAgent`, and never the same choice from the same stream."""

    def choose(self, states, streams):
        actions = np.empty(len(states), np.int64)
        _choose_backwards(states, streams, actions)
        return actions


class ErringAgent:
    """The rule of thumb, but a share of its choices is random."""

    def __init__(self, share: float) -> None:
        self._share = share

    def choose(self, states, streams):
        actions = HeuristicAgent().choose(states, streams)
        _err(states, streams, self._share, actions)
        return actions
