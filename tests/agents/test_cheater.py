"""Players that see hidden cards beat the same search without that knowledge."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import deals_of, play

from blobmaster.agents.ismcts import IsmctsAgent, PeekingAgent
from blobmaster.agents.rollout import RolloutAgent, answer_by_rollouts
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import MAX_LEGAL
from blobmaster.kernels.compile import kernel
from blobmaster.search.batch import new_requests, new_search
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_action,
    root_choice,
)
from blobmaster.search.simulation import reset_tree


@kernel
def _choose_knowing_all(search, requests, states, streams, actions):
    """Search like `RolloutAgent`, but with the true deal as every world."""
    priors = np.zeros((search.width, MAX_LEGAL), np.float32)
    values = np.zeros((search.width, MAX_PLAYERS), np.float32)
    for number in range(len(states)):
        begin_search(search, 0, states[number], search.simulations, False, streams[number])
        for tree in range(search.width):
            search.trees.world[tree] = states[number]
            reset_tree(search.trees, tree)
        done = False
        while not done:
            requests.rows[:] = 0
            request_evaluations(search, 0, requests)
            answer_by_rollouts(requests, streams[number], priors, values)
            done = advance_search(search, 0, priors, values, streams[number])
        actions[number] = root_action(search, 0, root_choice(search, 0))


class CheatingAgent:
    """Searches the true deal."""

    def __init__(self, settings: SearchSettings) -> None:
        self._search = new_search(1, settings)
        self._requests = new_requests(1, settings)

    def choose(self, states, streams):
        actions = np.empty(len(states), np.int64)
        _choose_knowing_all(self._search, self._requests, states, streams, actions)
        return actions


def lead(agents, deals: int, seed: int = 0) -> tuple[float, float]:
    """Return the lead of the first agent over three of the second, and its standard error."""
    made = play(agents, [0, 1, 1, 1], deals_of(4, 5, deals, seed)).points.mean(axis=1)
    ahead = made[:, 0] - made[:, 1:].mean(axis=1)
    return ahead.mean(), ahead.std() / np.sqrt(deals)


@pytest.mark.long  # its kernel contains a whole search, which compiles for ten seconds
def test_a_search_that_sees_all_hands_beats_one_that_does_not():
    settings = SearchSettings(worlds=5, simulations=20)
    ahead, error = lead([CheatingAgent(settings), RolloutAgent(settings)], 60)
    assert ahead - 4 * error > 0


def test_a_search_that_sees_the_undealt_cards_beats_one_that_does_not():
    ahead, error = lead([PeekingAgent(IsmctsAgent(100)), IsmctsAgent(100)], 60)
    assert ahead - 4 * error > 0


@pytest.mark.long
def test_the_lead_grows_with_the_hidden_cards_that_a_player_sees():
    settings = SearchSettings(worlds=10, simulations=10)
    honest = RolloutAgent(settings)
    leads = [
        lead([agent, honest], 400)
        for agent in (
            RolloutAgent(SearchSettings(worlds=10, simulations=10, noise_share=0.0)),
            PeekingAgent(RolloutAgent(settings)),
            CheatingAgent(settings),
        )
    ]
    assert leads[0][0] == 0  # the same player under another name, on the same streams
    assert 1.0 < leads[1][0] < leads[2][0] - 4 * leads[2][1]
