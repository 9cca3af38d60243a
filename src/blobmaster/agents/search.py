"""The player that searches with an evaluator, and the loop that it shares with rollout players.

Here only `begin_all` and `advance_all` use the interface of the determinized search.
"""

from __future__ import annotations

import numpy as np

from blobmaster.agents.base import Actions, Streams
from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import State
from blobmaster.inference.compiled import BlockEvaluator, Passes, answer, are_recorded
from blobmaster.inference.cuda_graphs import check
from blobmaster.kernels.compile import kernel
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
from blobmaster.search.tree import Priors, Values

UNDECIDED = -1
"""The action of a row whose search is still under way."""


class SearchAgent:
    """Takes the most visited action of a determinized search; all rows search in lockstep."""

    def __init__(self, evaluator: BlockEvaluator, capacity: int, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for `capacity × settings.trees` rows.
        capacity: the largest batch that `choose` accepts.
        settings: settings of each search. The streams draw its worlds; the root has no noise.
        """
        self._evaluator = evaluator
        self._capacity = capacity
        self._search = new_search(capacity, settings)
        self._questions = new_questions(capacity, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`.

        Raises:
            ValueError: the batch is larger than `capacity`.
        """
        if len(states) > self._capacity:
            raise ValueError(f"this agent accepts up to {self._capacity} states, not {len(states)}")
        actions = np.full(len(states), UNDECIDED, np.int64)
        begin_all(self._search, states, streams, self._questions)
        while self._questions.rows.any():
            acts, judges = self._questions.rows.tolist()
            passes = self._evaluator.passes(acts, judges)
            if passes is None:
                priors, values = ask(self._evaluator, self._questions)
                advance_all(self._search, priors, values, streams, actions, self._questions)
            else:
                check(_go_on(self._search, passes, streams, actions, self._questions))
        return actions


@kernel
def begin_all(search: Search, states: State, streams: Streams, questions: Questions) -> None:
    """Begin a search per state and gather the positions that they need evaluated."""
    questions.rows[:] = 0
    for lane in range(len(states)):
        begin(search, lane, states[lane], search.simulations, False, streams[lane])
        gather(search, lane, questions)


@kernel
def advance_all(
    search: Search,
    priors: Priors,
    values: Values,
    streams: Streams,
    actions: Actions,
    questions: Questions,
) -> None:
    """Advance every unfinished search by one step and gather the positions for the next."""
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
    """Take up to `passes.steps` steps without returning to Python; return the CUDA status.

    A step between compiled code and Python costs more than a small batch's evaluation. The loop
    ends early when a batch has no recorded CUDA graph: Python then evaluates that one.
    """
    for _ in range(passes.steps):
        acts, judges = questions.rows
        if acts + judges == 0 or not are_recorded(passes, acts, judges):
            break
        code = answer(passes, questions.actor[:acts], questions.critic[:judges])
        if code != 0:
            return code
        advance_all(search, passes.priors, passes.values, streams, actions, questions)
    return 0
