"""Players that search before they choose: with a network, by random play-outs, by ISMCTS.

What they know of the determinized search's interface stands in `_begin_all`, `_advance_all` and
`_decide`, and nowhere else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    EXACT_BONUS,
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    SEEN,
    STATE,
    State,
    legal_count,
    points,
)
from blobmaster.kernels import kernel
from blobmaster.play.agents import Actions, Agent, Streams
from blobmaster.randomness import Stream
from blobmaster.search.belief import ALL_CARDS
from blobmaster.search.ismcts import (
    InformationSets,
    most_visited,
    new_information_sets,
    search_information_sets,
)
from blobmaster.search.playout import play_out
from blobmaster.search.search import (
    Evaluator,
    Search,
    advance,
    begin,
    gather,
    new_search,
    root_action,
    root_visits,
)
from blobmaster.search.settings import SearchSettings
from blobmaster.search.tree import Priors, Values

UCB_POINTS = 10.0
"""The constant of ISMCTS's UCB1, in points: none of 2, 5 and 20 played better at 4 × 5 cards."""

UNDECIDED = -1


class SearchAgent:
    """Takes the action that a determinized search visits most, all decisions in lock-step."""

    def __init__(self, evaluator: Evaluator, capacity: int, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for `capacity × worlds` rows.
        capacity: the most states that `choose` is given at once.
        settings: worlds and simulations; no noise is added.
        """
        self._evaluator = evaluator
        self._search = new_search(capacity, settings, explore=False)
        self._rows = np.zeros((capacity * settings.worlds, STATE), np.int64)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`.

        Raises:
            ValueError: there are more states than `capacity`.
        """
        slots = len(self._rows) // self._search.worlds
        if len(states) > slots:
            raise ValueError(f"this agent has room for {slots} states, not {len(states)}")
        actions = np.full(len(states), UNDECIDED, np.int64)
        count = _begin_all(self._search, states, streams, self._rows)
        while count > 0:
            priors, values = self._evaluator.evaluate(self._rows[:count])
            count = _advance_all(self._search, priors, values, streams, actions, self._rows)
        return actions


@kernel
def _begin_all(search: Search, states: State, streams: Streams, rows: State) -> int:
    """Begin the search of every state; return how many rows wait for their evaluation."""
    count = 0
    for slot in range(len(states)):
        begin(search, slot, states[slot], streams[slot])
        count = gather(search, slot, rows, count)
    return count


@kernel
def _advance_all(
    search: Search, priors: Priors, values: Values, streams: Streams, actions: Actions, rows: State
) -> int:
    """Move every search on that is not done; return how many rows wait."""
    count = 0
    for slot in range(len(actions)):
        if actions[slot] == UNDECIDED:
            if advance(search, slot, priors, values, streams[slot]):
                actions[slot] = _decide(search, slot)
            else:
                count = gather(search, slot, rows, count)
    return count


@kernel
def _decide(search: Search, slot: int) -> int:
    """The most visited action of a search that is done; the first of those that tie."""
    visits = np.empty(MAX_LEGAL, np.int64)
    count = root_visits(search, slot, visits)
    return root_action(search, slot, int(np.argmax(visits[:count])))


class RolloutAgent:
    """The same search without a network: all actions alike at first, values by random play-out."""

    def __init__(self, settings: SearchSettings) -> None:
        """Args: see `SearchAgent`."""
        self._search = new_search(1, settings, explore=False)
        self._rows = np.zeros((settings.worlds, STATE), np.int64)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_by_rollouts(self._search, states, streams, self._rows, actions)
        return actions


@kernel
def _choose_by_rollouts(
    search: Search, states: State, streams: Streams, rows: State, actions: Actions
) -> None:
    priors = np.zeros((len(rows), MAX_LEGAL), np.float32)
    values = np.zeros((len(rows), MAX_PLAYERS), np.float32)
    for number in range(len(states)):
        actions[number] = UNDECIDED
        one = slice(number, number + 1)
        count = _begin_all(search, states[one], streams[one], rows)
        while count > 0:
            for row in range(count):
                play_out_row(rows[row], streams[number], priors[row], values[row])
            count = _advance_all(search, priors, values, streams[one], actions[one], rows)


@kernel
def play_out_row(state: State, stream: Stream, prior: Priors, value: Values) -> None:
    """Uniform priors (`[MAX_LEGAL]`), and the values (`[MAX_PLAYERS]`) of one play-out."""
    count = legal_count(state)
    prior[:count] = 1.0 / count
    play_out(state, np.empty(MAX_LEGAL, np.int64), stream)
    for seat in range(state[PLAYERS]):
        value[seat] = points(state, seat) / (EXACT_BONUS + state[ROUND])


class IsmctsAgent:
    """Takes the action that information-set search visits most."""

    def __init__(self, simulations: int, exploration: float = UCB_POINTS) -> None:
        """Args: see `search_information_sets`."""
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
    for row in range(len(states)):
        search_information_sets(sets, states[row], simulations, exploration, streams[row])
        actions[row] = most_visited(sets, states[row], streams[row])


class PeekingAgent:
    """Lets another player see which cards were not dealt; it still deals the others' cards anew.

    That is no honest player. OpenSpiel's `oh_hell` draws the worlds of its ISMCTS so, which makes
    it a point a round stronger than the same search that knows what its seat knows.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        shown = states.copy()
        held = np.bitwise_or.reduce(states[:, HANDS : HANDS + MAX_PLAYERS], axis=1)
        shown[:, SEEN] = ALL_CARDS & ~held
        return self._agent.choose(shown, streams)
