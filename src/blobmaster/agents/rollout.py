"""The player that searches with random rollouts instead of a network."""

from __future__ import annotations

import numpy as np

from blobmaster.agents.base import Actions, AgentMaker, OfAnySize, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.agents.search import UNDECIDED, SearchBatch, advance_all, begin_all
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import DEALT, MAX_LEGAL, PLAYERS, State, legal_count
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream
from blobmaster.search.batch import EvaluationRequests, Search, new_requests, new_search
from blobmaster.search.rollout import play_out
from blobmaster.search.tree import Priors, Values


def make_rollout_player(request: OpponentRequest) -> AgentMaker:
    """Make the opponent `rollout-N`."""
    return OfAnySize(RolloutAgent, (rollout_search(request.name.simulations),))


def rollout_search(simulations: int) -> SearchSettings:
    """Split a decision's simulations about evenly: √N worlds with √N simulations each."""
    worlds = min(int(simulations**0.5), 64)
    return SearchSettings(worlds=worlds, simulations=simulations // worlds)


class RolloutAgent:
    """Searches with uniform priors and the result of one random rollout per leaf as its value."""

    def __init__(self, settings: SearchSettings) -> None:
        """Args: see `SearchAgent`."""
        self._search = new_search(1, settings)
        self._requests = new_requests(1, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        _choose_by_rollouts(self._search, states, streams, self._requests, actions)
        return actions


@kernel
def _choose_by_rollouts(
    search: Search, states: State, streams: Streams, requests: EvaluationRequests, actions: Actions
) -> None:
    rows = len(requests.critic)
    priors = np.zeros((rows, MAX_LEGAL), np.float32)
    values = np.zeros((rows, MAX_PLAYERS), np.float32)
    for number in range(len(states)):
        actions[number] = UNDECIDED
        # One decision at a time, in lane 0: rollouts are compiled, so a batch would gain nothing.
        # Slices keep the arrays two-dimensional and writable in place.
        one = slice(number, number + 1)
        batch = SearchBatch(search, streams[one], actions[one], requests)
        begin_all(batch, states[one])
        while requests.rows[0] + requests.rows[1] > 0:
            answer_by_rollouts(requests, streams[number], priors, values)
            advance_all(batch, priors, values)


@inner_kernel
def answer_by_rollouts(
    requests: EvaluationRequests, stream: Stream, priors: Priors, values: Values
) -> None:
    """Write uniform priors and the values of one random rollout each.

    Args:
        requests: the positions that the search needs evaluated.
        stream: draws the rollouts' actions.
        priors: `[rows, MAX_LEGAL]`, written.
        values: `[rows, MAX_PLAYERS]`, written: points as a share of the most in a round.
    """
    for row in range(requests.rows[0]):
        count = legal_count(requests.actor[row])
        priors[row, :count] = 1.0 / count
    for row in range(requests.rows[1]):
        _play_out_row(requests.critic[row], stream, values[row])


@kernel
def _play_out_row(state: State, stream: Stream, value: Values) -> None:
    play_out(state, np.empty(MAX_LEGAL, np.int64), stream)
    for seat in range(state[PLAYERS]):
        value[seat] = points(state, seat) / most_points(state[DEALT])
