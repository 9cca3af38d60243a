"""OpenSpiel's `ISMCTSBot` as a player, over this project's rules and scoring.

It needs the extra: `pip install "blobmaster[openspiel]"`. The bot does not play OpenSpiel's own
`oh_hell`, for three reasons: that game has no rounds without trump, scores a missed bid below 0,
and draws worlds from the cards that were dealt, which no seat knows (as
`blobmaster.agents.ismcts.PeekingAgent` does).

The bot runs in Python. It takes 14 times as long as `IsmctsAgent`, the same algorithm, and holds
the GIL, so more workers do not help.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyspiel
from open_spiel.python.algorithms import ismcts

from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.agents.ismcts import UCB_POINTS
from blobmaster.game.rules import (
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    State,
    apply,
    is_over,
    legal_actions,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import Stream, below
from blobmaster.search.determinization import WorldTable, new_table, prepare_worlds, sample_world
from blobmaster.search.rollout import play_out


def make_openspiel_ismcts(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `openspiel-ismcts-N`."""
    return OfAnySize(OpenSpielAgent, (request.name.simulations,))


@functools.cache
def _any_game() -> pyspiel.Game:
    """Return a game of the type that the bot accepts; it plays `Position`s, not this game."""
    return pyspiel.load_game("oh_hell")


class OpenSpielAgent:
    """Runs OpenSpiel's bot on one decision after another, seeded by each row's stream."""

    def __init__(self, simulations: int, exploration: float = UCB_POINTS) -> None:
        """Args: see `IsmctsAgent`."""
        self._simulations = simulations
        self._exploration = exploration
        self._table = new_table()

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        return np.array(
            [self._choose(state, stream) for state, stream in zip(states, streams, strict=True)],
            np.int64,
        )

    def _choose(self, state: State, stream: Stream) -> int:
        bot = self.bot(state, stream)
        return int(bot.step(Position(state)))

    def bot(self, state: State, stream: Stream) -> ismcts.ISMCTSBot:
        """Set up OpenSpiel's bot for one decision.

        Args:
            state: `[STATE]`, the position to decide.
            stream: seeds the bot and draws its worlds and rollouts.
        """
        bot = ismcts.ISMCTSBot(
            _any_game(),
            _RandomRollouts(stream),
            self._exploration,
            self._simulations,
            # A legacy seed has 32 bits; drawn from the row's stream, so that a decision repeats.
            random_state=np.random.RandomState(below(stream, 2**32)),
        )
        # Replace OpenSpiel's resampler: it would deal the other seats' true cards among them again.
        prepare_worlds(state, state[SEAT], self._table)
        worlds = _Worlds(self._table, stream)
        bot.set_resampler(worlds.draw)
        return bot


class Position:
    """A round behind the part of the `pyspiel.State` interface that the bot uses."""

    def __init__(self, state: State, taken: tuple[int, ...] = ()) -> None:
        """Args:
        state: `[STATE]`; copied.
        taken: the actions since the position that the bot decides.
        """
        self.state = state.copy()
        self._taken = taken
        self._legal = np.empty(MAX_LEGAL, np.int64)

    def get_game(self) -> pyspiel.Game:
        """Return a game of the same type: sequential, with imperfect information."""
        return _any_game()

    def is_chance_node(self) -> bool:
        """Return False: the resampler draws complete worlds."""
        return False

    def is_terminal(self) -> bool:
        """Return True if the round is over."""
        return bool(is_over(self.state))

    def current_player(self) -> int:
        """Return the seat to act."""
        return int(self.state[SEAT])

    def legal_actions(self) -> list[int]:
        """Return the legal actions."""
        return self._legal[: legal_actions(self.state, self._legal)].tolist()

    def apply_action(self, action: int) -> None:
        """Apply an action in place."""
        apply(self.state, action)
        self._taken = (*self._taken, action)

    def information_state_string(self) -> str:
        """Return what the acting seat knows beyond the root: its hand and the actions since."""
        # The bot keeps its nodes by this string, so equal strings must mean one information set.
        return f"{self.state[HANDS + self.state[SEAT]]} {self._taken}"

    def returns(self) -> list[float]:
        """Return each seat's points of a finished round."""
        return [float(points(self.state, seat)) for seat in range(self.state[PLAYERS])]


class _Worlds:
    """The bot's resampler: draws worlds that fit what a seat knows."""

    def __init__(self, table: WorldTable, stream: Stream) -> None:
        self._table = table
        self._stream = stream

    def draw(self, position: Position, player: int) -> Position:
        world = np.empty(STATE, np.int64)
        sample_world(position.state, player, self._table, self._stream, world)
        return Position(world)


class _RandomRollouts:
    """The bot's evaluator: uniform priors and one random rollout."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._legal: npt.NDArray[np.int64] = np.empty(MAX_LEGAL, np.int64)

    def prior(self, position: Position) -> list[tuple[int, float]]:
        actions = position.legal_actions()
        return [(action, 1.0 / len(actions)) for action in actions]

    def evaluate(self, position: Position) -> list[float]:
        # A copy: the bot goes on with the position that it passed in.
        end = Position(position.state)
        play_out(end.state, self._legal, self._stream)
        return end.returns()
