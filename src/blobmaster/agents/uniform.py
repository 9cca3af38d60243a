"""The uniformly random player."""

from __future__ import annotations

import numpy as np

from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.game.rules import MAX_LEGAL, State, legal_actions
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below


class RandomAgent:
    """Draws uniformly among the legal actions."""

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_at_random(states, streams, actions)
        return actions


def make_random(request: OpponentRequest) -> AgentMaker:  # noqa: ARG001 (all are alike)
    """Make the opponent `random`."""
    return OfAnySize(RandomAgent)


@kernel
def _choose_at_random(states: State, streams: Streams, actions: Actions) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        actions[row] = legal[below(streams[row], legal_actions(states[row], legal))]
