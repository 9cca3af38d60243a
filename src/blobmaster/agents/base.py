"""The `Agent` protocol: a player chooses actions for a batch of states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import State

Actions = npt.NDArray[np.int64]
Streams = npt.NDArray[np.uint64]


class Agent(Protocol):
    """A player; an instance belongs to one thread."""

    def choose(self, states: State, streams: Streams) -> Actions:
        """Choose an action for the acting seat of each state.

        Args:
            states: `[rows, STATE]`, each with at least two legal actions. A state holds all hands;
                an honest player's choice does not depend on the hidden ones.
            streams: `[rows, 1]`, the random stream of each row; draws advance it in place.

        Returns:
            `[rows]` legal actions.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """An agent that can use the earlier rounds of a game."""

    def choose_after(self, states: State, streams: Streams, earlier: Sequence[State]) -> Actions:
        """Choose as `Agent.choose` does.

        Args:
            states, streams: see `Agent.choose`.
            earlier: for each row, `[rounds, STATE]`: the ends of the earlier rounds of its game, in
                order. The seats are those of the row's state.
        """
        ...


AgentMaker = Callable[[int], Agent]
"""Makes an agent for one thread. The argument is the largest batch that it must accept. It can be
pickled: matches may be played in other processes."""


@dataclass(frozen=True)
class OfAnySize:
    """Makes agents that accept batches of any size: an `AgentMaker`."""

    make: Callable[..., Agent]
    arguments: tuple[Any, ...] = ()

    def __call__(self, capacity: int) -> Agent:
        """Make an agent."""
        del capacity
        return self.make(*self.arguments)
