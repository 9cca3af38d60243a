"""Players that search before they choose: with a network, by random play-outs, by ISMCTS.

What they know of the determinized search's interface stands in `_begin_all` and `_advance_all`, and
nowhere else.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Actions, Agent, Streams
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import HANDS, MAX_LEGAL, PLAYERS, ROUND, SEEN, State, legal_count
from blobmaster.game.scoring import most_points, points
from blobmaster.inference.compiled import BlockEvaluator, Passes, answer, are_recorded
from blobmaster.inference.cuda_graphs import check
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream
from blobmaster.search.belief import ALL_CARDS
from blobmaster.search.ismcts import (
    InformationSets,
    most_visited,
    new_information_sets,
    search_information_sets,
)
from blobmaster.search.mcts import (
    Questions,
    Search,
    advance,
    ask,
    begin,
    gather,
    new_questions,
    new_search,
    root_action,
    root_choice,
)
from blobmaster.search.rollout import play_out
from blobmaster.search.tree import Priors, Values

UCB_POINTS = 10.0
"""The constant of ISMCTS's UCB1, in points: none of 2, 5 and 20 played better at 4 × 5 cards."""

UNDECIDED = -1


class SearchAgent:
    """Takes the action that a determinized search visits most, all decisions in lock-step."""

    def __init__(self, evaluator: BlockEvaluator, capacity: int, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for `capacity × settings.trees` rows.
        capacity: the most states that `choose` is given at once.
        settings: of each search; chance has no part in its choice, but draws the worlds.
        """
        self._evaluator = evaluator
        self._capacity = capacity
        self._search = new_search(capacity, settings)
        self._questions = new_questions(capacity, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`.

        Raises:
            ValueError: there are more states than `capacity`.
        """
        if len(states) > self._capacity:
            raise ValueError(f"this agent has room for {self._capacity} states, not {len(states)}")
        actions = np.full(len(states), UNDECIDED, np.int64)
        _begin_all(self._search, states, streams, self._questions)
        while self._questions.rows.any():
            acts, judges = self._questions.rows.tolist()
            passes = self._evaluator.passes(acts, judges)
            if passes is None:
                priors, values = ask(self._evaluator, self._questions)
                _advance_all(self._search, priors, values, streams, actions, self._questions)
            else:
                check(_go_on(self._search, passes, streams, actions, self._questions))
        return actions


@kernel
def _begin_all(search: Search, states: State, streams: Streams, questions: Questions) -> None:
    """Begin the search of every state, and ask what they wait for."""
    questions.rows[:] = 0
    for lane in range(len(states)):
        begin(search, lane, states[lane], search.simulations, False, streams[lane])
        gather(search, lane, questions)


@kernel
def _advance_all(
    search: Search,
    priors: Priors,
    values: Values,
    streams: Streams,
    actions: Actions,
    questions: Questions,
) -> None:
    """Move every search on that is not done, and ask what they wait for."""
    questions.rows[:] = 0
    for lane in range(len(actions)):
        if actions[lane] == UNDECIDED:
            if advance(search, lane, priors, values, streams[lane]):
                actions[lane] = root_action(search, lane, root_choice(search, lane))
            else:
                gather(search, lane, questions)


@kernel
def _go_on(
    search: Search, passes: Passes, streams: Streams, actions: Actions, questions: Questions
) -> int:
    """Take some steps, as far as passes are recorded for them; the driver's code."""
    for _ in range(passes.steps):
        acts, judges = questions.rows
        if acts + judges == 0 or not are_recorded(passes, acts, judges):
            break
        code = answer(passes, questions.actor[:acts], questions.critic[:judges])
        if code != 0:
            return code
        _advance_all(search, passes.priors, passes.values, streams, actions, questions)
    return 0


class RolloutAgent:
    """The same search without a network: all actions alike at first, values by random play-out."""

    def __init__(self, settings: SearchSettings) -> None:
        """Args: see `SearchAgent`."""
        self._search = new_search(1, settings)
        self._questions = new_questions(1, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_by_rollouts(self._search, states, streams, self._questions, actions)
        return actions


@kernel
def _choose_by_rollouts(
    search: Search, states: State, streams: Streams, questions: Questions, actions: Actions
) -> None:
    rows = len(questions.critic)
    priors = np.zeros((rows, MAX_LEGAL), np.float32)
    values = np.zeros((rows, MAX_PLAYERS), np.float32)
    for number in range(len(states)):
        actions[number] = UNDECIDED
        one = slice(number, number + 1)
        _begin_all(search, states[one], streams[one], questions)
        while questions.rows.any():
            answer_by_rollouts(questions, streams[number], priors, values)
            _advance_all(search, priors, values, streams[one], actions[one], questions)


@kernel
def answer_by_rollouts(
    questions: Questions, stream: Stream, priors: Priors, values: Values
) -> None:
    """Uniform priors (`[rows, MAX_LEGAL]`), and the values (`[rows, MAX_PLAYERS]`) of one play-out
    each."""
    for row in range(questions.rows[0]):
        count = legal_count(questions.actor[row])
        priors[row, :count] = 1.0 / count
    for row in range(questions.rows[1]):
        _play_out_row(questions.critic[row], stream, values[row])


@kernel
def _play_out_row(state: State, stream: Stream, value: Values) -> None:
    play_out(state, np.empty(MAX_LEGAL, np.int64), stream)
    for seat in range(state[PLAYERS]):
        value[seat] = points(state, seat) / most_points(state[ROUND])


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
