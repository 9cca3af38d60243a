"""Players of known strength: equal to the random one, or between random and heuristic."""

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


class MirroredRandomAgent:
    """Draws uniformly like `RandomAgent`, but maps the same draw to the opposite action."""

    def choose(self, states, streams):
        actions = np.empty(len(states), np.int64)
        _choose_backwards(states, streams, actions)
        return actions


class PartlyRandomAgent:
    """Plays like `HeuristicAgent`, except for a share of random choices."""

    def __init__(self, share: float) -> None:
        self._share = share

    def choose(self, states, streams):
        actions = HeuristicAgent().choose(states, streams)
        _err(states, streams, self._share, actions)
        return actions
