"""Players by information-set MCTS (Cowling, Powley and Whitehouse 2012), without a network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Actions, Agent, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import HANDS, SEEN, State
from blobmaster.kernels.compile import kernel
from blobmaster.search.belief import ALL_CARDS
from blobmaster.search.ismcts import (
    InformationSets,
    most_visited,
    new_information_sets,
    search_information_sets,
)

UCB_POINTS = 10.0
"""The UCB1 exploration constant, in points. At 4 × 5 cards, 2, 5 and 20 played no better."""


def make_ismcts(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `ismcts-N`."""
    return OfAnySize(IsmctsAgent, (request.name.simulations,))


def make_peeking_ismcts(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `peeking-ismcts-N`."""
    return OfAnySize(_peeking, (request.name.simulations,))


def _peeking(simulations: int) -> PeekingAgent:
    return PeekingAgent(IsmctsAgent(simulations))


class IsmctsAgent:
    """Takes the most visited action of an information-set search."""

    def __init__(self, simulations: int, exploration: float = UCB_POINTS) -> None:
        """Args: see `search_information_sets`.

        Raises:
            ValueError: there are fewer than two simulations.
        """
        if simulations < 2:
            raise ValueError(f"ISMCTS needs at least 2 simulations, not {simulations}")
        self._simulations = simulations
        self._exploration = exploration
        self._sets = new_information_sets(simulations)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_by_ismcts(
            self._sets, states, streams, self._simulations, self._exploration, actions
        )
        return actions


@kernel
def _choose_by_ismcts(
    sets: InformationSets,
    states: State,
    streams: Streams,
    simulations: int,
    exploration: float,
    actions: npt.NDArray[np.int64],
) -> None:
    # One decision after another: without a network there is nothing to batch, and the
    # tree's memory is used again.
    for row in range(len(states)):
        search_information_sets(sets, states[row], simulations, exploration, streams[row])
        actions[row] = most_visited(sets, states[row], streams[row])


class PeekingAgent:
    """Shows another agent which cards were not dealt; it still has to guess who holds the rest.

    This is cheating. OpenSpiel's `oh_hell` draws the worlds of its ISMCTS that way, which makes it
    a point per round stronger than the same search with only its seat's knowledge. It is here to
    compare with published figures of that bot.
    """

    def __init__(self, agent: Agent) -> None:
        """Args:
        agent: the agent that chooses.
        """
        self._agent = agent

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        shown = states.copy()
        held = np.bitwise_or.reduce(states[:, HANDS : HANDS + MAX_PLAYERS], axis=1)
        # Each card that no hand holds counts as played: those that were, and those that were never
        # dealt. The sampler then deals only cards that are in play.
        shown[:, SEEN] = ALL_CARDS & ~held
        return self._agent.choose(shown, streams)
