"""The player that searches with an evaluator, and the loop that it shares with rollout players.

Here only `begin_all` and `advance_all` use the interface of the determinized search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blobmaster.agents.base import Actions, Streams
from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import State
from blobmaster.inference.evaluator import Evaluator
from blobmaster.inference.stepping import advances, play_to_end
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.search.batch import EvaluationRequests, Search, new_requests, new_search
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_action,
    root_choice,
)
from blobmaster.search.tree import Priors, Values

UNDECIDED = -1
"""The action of a row whose search is still under way."""


class SearchBatch(NamedTuple):
    """Searches of many decisions, one per lane."""

    search: Search
    streams: Streams
    actions: Actions
    """`[lanes]`: what is decided, or `UNDECIDED` while the search goes on."""
    requests: EvaluationRequests


class SearchAgent:
    """Takes the most visited action of a determinized search; all rows search in lockstep."""

    def __init__(self, evaluator: Evaluator, capacity: int, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for `capacity × settings.trees` rows.
        capacity: the largest batch that `choose` accepts.
        settings: settings of each search. The streams draw its worlds; the root has no noise.
        """
        self._evaluator = evaluator
        self._capacity = capacity
        self._search = new_search(capacity, settings)
        self._requests = new_requests(capacity, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`.

        Raises:
            ValueError: the batch is larger than `capacity`.
        """
        # Memory of trees is allocated once for `capacity` lanes: a larger
        # batch would write beyond it.
        if len(states) > self._capacity:
            raise ValueError(f"this agent accepts up to {self._capacity} states, not {len(states)}")
        actions = np.full(len(states), UNDECIDED, np.int64)
        batch = SearchBatch(self._search, streams, actions, self._requests)
        begin_all(batch, states)
        play_to_end(self._evaluator, batch)
        return actions


@kernel
def begin_all(batch: SearchBatch, states: State) -> None:
    """Begin a search per state and request the evaluations that they need."""
    search, requests = batch.search, batch.requests
    requests.rows[:] = 0
    for lane in range(len(states)):
        begin_search(search, lane, states[lane], search.simulations, False, batch.streams[lane])
        request_evaluations(search, lane, requests)


@advances(SearchBatch)
@inner_kernel
def advance_all(batch: SearchBatch, priors: Priors, values: Values) -> None:
    """Advance every unfinished search by one step and request evaluations for the next."""
    search, requests = batch.search, batch.requests
    requests.rows[:] = 0
    for lane in range(len(batch.actions)):
        # A decided lane stays empty until all are: in the arena, all tables of a step act together.
        if batch.actions[lane] == UNDECIDED:
            if advance_search(search, lane, priors, values, batch.streams[lane]):
                batch.actions[lane] = root_action(search, lane, root_choice(search, lane))
            else:
                request_evaluations(search, lane, requests)
