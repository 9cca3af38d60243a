"""The search of a decision: its requests, its budget, and its use of visible cards only."""

from __future__ import annotations

import numpy as np
import pytest
from endings import ENDINGS, ending
from evaluators import UniformEvaluator
from positions import RandomRound, card, exchange_hidden, legal_of
from searching import PUBLIC, WatchfulEvaluator, search_all, visits_of

from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import FIRST_BID, HANDS, SEAT
from blobmaster.search.batch import NO_ROW, new_requests
from blobmaster.search.mcts import request_evaluations


def favourite(state: np.ndarray, worlds: int = 16, simulations: int = 120) -> int:
    settings = SearchSettings(worlds=worlds, simulations=simulations)
    visits = visits_of(search_all([state], settings, UniformEvaluator()))
    return max(visits, key=visits.__getitem__)


@pytest.mark.parametrize(
    "name",
    ["duck", "win cheaply, to win again", "trump", "avoid the overtrick", "unblock", "over-trump"],
)
def test_a_card_that_is_right_in_every_world_is_found_with_hidden_hands(name):
    *given, right = ENDINGS[name]
    assert favourite(ending(*given)) == card(right)


@pytest.mark.parametrize(
    ("trump", "hand", "bid"),
    [
        ("♠", "A♠", 1),
        ("♠", "2♥", 0),
        ("-", "A♥", 1),
        ("♦", "K♦", 1),
        ("♣", "4♦", 0),
    ],
)
def test_the_first_seat_of_a_one_card_round_bids_what_it_holds(trump, hand, bid):
    others = [name for name in ("3♣", "4♣", "5♣") if name != hand]
    state = ending(trump, [hand, *others], [])
    assert favourite(state, worlds=32, simulations=60) == FIRST_BID + bid


@pytest.mark.parametrize(("hand", "bid"), [("2♦", 0), ("A♠", 1)])
def test_the_last_seat_of_a_one_card_round_bids_what_it_holds(hand, bid):
    state = ending("♠", ["5♥", "3♥", hand], [1, 1])
    assert favourite(state, worlds=32, simulations=60) == FIRST_BID + bid


@pytest.mark.parametrize(("worlds", "simulations"), [(1, 1), (1, 15), (3, 35), (5, 2)])
def test_each_world_gets_exactly_its_simulations_and_the_root_one_evaluation(worlds, simulations):
    states = list(RandomRound(3, 4, 5).choices)
    evaluator = UniformEvaluator()
    settings = SearchSettings(worlds=worlds, simulations=simulations)
    search = search_all(states, settings, evaluator)
    assert (search.trees.simulations == simulations).all()
    for lane, state in enumerate(states):
        visits = visits_of(search, lane)
        assert list(visits) == legal_of(state)
        assert sum(visits.values()) == worlds * simulations
    nodes = search.trees.nodes.reshape(len(states), worlds)
    expanded = (search.trees.edges > 0).sum(axis=1).reshape(len(states), worlds)
    for asked, made in ((evaluator.judged, nodes), (evaluator.acted, expanded)):
        assert len(asked[0]) == len(states)
        rows = sum(len(batch) for batch in asked)
        assert rows == len(states) + (made - 1).sum()  # a root's row serves all its worlds
    for root, state in zip(evaluator.acted[0], states, strict=True):
        assert (root[PUBLIC] == state[PUBLIC]).all()
        assert root[HANDS + state[SEAT]] == state[HANDS + state[SEAT]]


def test_a_search_does_not_depend_on_the_other_lanes():
    states = list(RandomRound(4, 5, 4).choices)
    settings = SearchSettings(worlds=2, simulations=20)
    together = search_all(states, settings, WatchfulEvaluator())
    alone = search_all(states[:1], settings, WatchfulEvaluator())
    assert visits_of(alone) == visits_of(together)
    other_way = search_all(states[:3], settings, WatchfulEvaluator())
    assert [visits_of(other_way, s) for s in range(3)] == [visits_of(together, s) for s in range(3)]


def test_a_finished_tree_requests_no_row():
    state = RandomRound(2, 3, 2).choices[-1]
    search = search_all([state], SearchSettings(worlds=4, simulations=9), UniformEvaluator())
    requests = new_requests(1, SearchSettings(worlds=4))
    request_evaluations(search, 0, requests)
    assert not requests.rows.any()
    assert (search.actor_row == NO_ROW).all()
    assert (search.critic_row == NO_ROW).all()


@pytest.mark.parametrize(("players", "size"), [(3, 5), (4, 7), (5, 4), (8, 3), (3, 17)])
def test_exchanging_hidden_cards_changes_no_visit(players, size):
    settings = SearchSettings(worlds=3, simulations=25)
    for state in RandomRound(6, players, size).choices[::3]:
        others = [exchange_hidden(state, state[SEAT], seed) for seed in range(3)]
        assert any((other != state).any() for other in others)
        expected = visits_of(search_all([state], settings, WatchfulEvaluator(), explore=True))
        for other in others:
            found = visits_of(search_all([other], settings, WatchfulEvaluator(), explore=True))
            assert found == expected


def test_the_worlds_of_a_decision_differ():
    state = RandomRound(8, 4, 8).choices[0]
    search = search_all([state], SearchSettings(worlds=12, simulations=1), UniformEvaluator())
    assert len(np.unique(search.trees.world, axis=0)) == 12


def test_noise_is_one_draw_for_all_worlds_and_comes_from_the_stream():
    state = RandomRound(3, 4, 6).choices[0]
    settings = SearchSettings(worlds=4, simulations=3, noise_share=0.25)
    plain = search_all([state], settings, UniformEvaluator())
    noisy = search_all([state], settings, UniformEvaluator(), explore=True)
    other = search_all([state], settings, UniformEvaluator(), explore=True, seed=2)
    count = len(legal_of(state))
    priors = noisy.trees.prior[:, 0, :count]
    assert (priors == priors[0]).all()
    assert priors.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (priors[0] >= 0.75 * plain.trees.prior[0, 0, :count] - 1e-7).all()
    assert (plain.trees.prior[:, 0, :count] == np.float32(1 / count)).all()
    assert not np.allclose(priors, other.trees.prior[:, 0, :count])


@pytest.mark.parametrize("total", [0.1, 10.0, 1000.0])
def test_noise_of_any_spread_leaves_priors_that_sum_to_one(total):
    states = list(RandomRound(3, 3, 17).choices[:3]) * 40
    settings = SearchSettings(worlds=1, simulations=1, noise_share=1.0, noise_total=total)
    search = search_all(states, settings, UniformEvaluator(), explore=True)
    assert search.trees.prior[:, 0].sum(axis=1) == pytest.approx(1, abs=1e-5)
