"""OpenSpiel's ISMCTS at a table of Blob: its `ISMCTSBot`, over this project's rules and points.

Needs the extra: `pip install "blobmaster[openspiel]"`. OpenSpiel's own `oh_hell` is not what the
bot plays here: it has no rounds without trump, scores a missed bid below 0, and draws worlds from
the cards that were dealt, which no seat knows (`blobmaster.agents.search.PeekingAgent` does so).
The bot is Python: it takes fourteen times as long as `IsmctsAgent`, which is the same algorithm,
and holds the GIL, so that more workers do not help.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyspiel
from open_spiel.python.algorithms import ismcts

from blobmaster.agents.base import Actions, Streams
from blobmaster.agents.search import UCB_POINTS
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


class OpenSpielAgent:
    """Asks OpenSpiel's bot, decision by decision; its draws follow from the row's stream."""

    def __init__(self, simulations: int, exploration: float = UCB_POINTS) -> None:
        """Args: as of `IsmctsAgent`."""
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
        """OpenSpiel's bot, ready for one decision."""
        bot = ismcts.ISMCTSBot(
            pyspiel.load_game("oh_hell"),
            _Playouts(stream),
            self._exploration,
            self._simulations,
            random_state=np.random.RandomState(below(stream, 2**32)),
        )
        prepare_worlds(state, state[SEAT], self._table)
        worlds = _Worlds(self._table, stream)
        bot.set_resampler(worlds.draw)
        return bot


class Position:
    """A round, as the bot asks for it: the part of `pyspiel.State` that it uses."""

    def __init__(self, state: State, taken: tuple[int, ...] = ()) -> None:
        """Args:
        state: `[STATE]`; copied.
        taken: the actions since the bot was asked.
        """
        self.state = state.copy()
        self._taken = taken
        self._legal = np.empty(MAX_LEGAL, np.int64)

    def get_game(self) -> pyspiel.Game:
        """A game of Blob's kind: sequential, with hidden cards."""
        return pyspiel.load_game("oh_hell")

    def is_chance_node(self) -> bool:
        """Never: worlds are drawn whole."""
        return False

    def is_terminal(self) -> bool:
        """Whether the round is over."""
        return bool(is_over(self.state))

    def current_player(self) -> int:
        """The seat to act."""
        return int(self.state[SEAT])

    def legal_actions(self) -> list[int]:
        """Its actions."""
        return self._legal[: legal_actions(self.state, self._legal)].tolist()

    def apply_action(self, action: int) -> None:
        """Take one."""
        apply(self.state, action)
        self._taken = (*self._taken, action)

    def information_state_string(self) -> str:
        """What the seat to act knows beyond the root."""
        return f"{self.state[HANDS + self.state[SEAT]]} {self._taken}"

    def returns(self) -> list[float]:
        """Each seat's points, once the round is over."""
        return [float(points(self.state, seat)) for seat in range(self.state[PLAYERS])]


class _Worlds:
    """Draws the worlds of one decision."""

    def __init__(self, table: WorldTable, stream: Stream) -> None:
        self._table = table
        self._stream = stream

    def draw(self, position: Position, player: int) -> Position:
        world = np.empty(STATE, np.int64)
        sample_world(position.state, player, self._table, self._stream, world)
        return Position(world)


class _Playouts:
    """OpenSpiel's evaluator by one random play-out."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._legal: npt.NDArray[np.int64] = np.empty(MAX_LEGAL, np.int64)

    def prior(self, position: Position) -> list[tuple[int, float]]:
        actions = position.legal_actions()
        return [(action, 1.0 / len(actions)) for action in actions]

    def evaluate(self, position: Position) -> list[float]:
        end = Position(position.state)
        play_out(end.state, self._legal, self._stream)
        return end.returns()
