"""Players of the arena: each chooses for a batch of states at once, seeing its own seat's view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.agents.heuristic import choose_by_rule
from blobmaster.game.rules import MAX_LEGAL, State, legal_actions
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import Parts
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below

Actions = npt.NDArray[np.int64]
Streams = npt.NDArray[np.uint64]


class Agent(Protocol):
    """One way of playing."""

    def choose(self, states: State, streams: Streams) -> Actions:
        """Choose an action for the acting seat of each state.

        Args:
            states: `[rows, STATE]`, each at a real choice. All hands are in a state; what the
                acting seat cannot see must not change its choice.
            streams: `[rows, 1]`, each row's own random stream, changed by what is drawn from it.

        Returns:
            `[rows]` legal actions.
        """
        ...


AgentMaker = Callable[[int], Agent]
"""Makes a player for one thread, with room for so many states at once."""


class RandomAgent:
    """Takes any legal action, all alike."""

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_at_random(states, streams, actions)
        return actions


class HeuristicAgent:
    """Plays by rule of thumb, without chance (see `blobmaster.agents.heuristic`)."""

    def choose(self, states: State, streams: Streams) -> Actions:  # noqa: ARG002 (draws nothing)
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        choose_by_rule(states, actions)
        return actions


class NetworkAgent:
    """Takes the legal action of the highest prior: one evaluation a decision, no search."""

    def __init__(self, network: Parts, capacity: int, device: torch.device) -> None:
        """Args: see `NetworkEvaluator`, whose buffers make an agent one thread's own."""
        self._evaluator = NetworkEvaluator(network, capacity, device)

    def choose(self, states: State, streams: Streams) -> Actions:  # noqa: ARG002 (draws nothing)
        """See `Agent`."""
        priors = self._evaluator.priors(states)
        actions = np.empty(len(states), np.int64)
        _choose_likeliest(states, priors, actions)
        return actions


@kernel
def _choose_at_random(states: State, streams: Streams, actions: Actions) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        actions[row] = legal[below(streams[row], legal_actions(states[row], legal))]


@kernel
def _choose_likeliest(states: State, priors: npt.NDArray[np.float32], actions: Actions) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(states)):
        count = legal_actions(states[row], legal)
        actions[row] = legal[np.argmax(priors[row, :count])]
