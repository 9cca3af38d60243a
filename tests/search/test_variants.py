"""All variants of the search: no needless request, no use of hidden cards, sums that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluators import UniformEvaluator
from positions import RandomRound, exchange_hidden, legal_of, played
from searching import WatchfulEvaluator, search_all, visits_of

from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    HANDS,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
    is_bidding,
    is_over,
    legal_count,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.rng import stream
from blobmaster.search.batch import new_requests, new_search, requested_states
from blobmaster.search.determinization import new_table, prepare_worlds, sample_world
from blobmaster.search.endgame import is_settled, tricks_left
from blobmaster.search.mcts import advance_search, begin_search, request_evaluations

WAYS = {
    "puct": {},
    "gumbel": {"root": "gumbel"},
    "shared": {"tree": "shared"},
    "shared gumbel": {"tree": "shared", "root": "gumbel"},
    "solved": {"solve_tricks": 2},
    "solved shared gumbel": {"solve_tricks": 2, "tree": "shared", "root": "gumbel"},
}


@pytest.fixture(params=WAYS)
def settings(request) -> SearchSettings:
    return SearchSettings(worlds=3, simulations=25, settle=True, **WAYS[request.param])


class KnowingEvaluator(WatchfulEvaluator):
    """Values within what is possible: 0 for a seat whose bid is out of reach."""

    def values(self, states: np.ndarray) -> np.ndarray:
        values = super().values(states)
        for row, state in enumerate(states):
            if not is_bidding(state):
                for seat in range(state[PLAYERS]):
                    missing = state[BIDS + seat] - state[TRICKS + seat]
                    if not 0 <= missing <= tricks_left(state):
                        values[row, seat] = 0
        return values


@pytest.mark.parametrize("size", [(3, 5), (4, 7), (5, 4), (8, 3)])
def test_exchanging_hidden_cards_changes_no_visit_in_any_variant(settings, size):
    for state in RandomRound(6, *size).choices[::3]:
        found = [
            visits_of(search_all([other], settings, WatchfulEvaluator(), explore=True))
            for other in (state, *(exchange_hidden(state, state[SEAT], seed) for seed in (0, 1)))
        ]
        assert found[0] == found[1] == found[2]


def test_no_variant_of_a_search_depends_on_the_other_lanes(settings):
    states = list(RandomRound(4, 5, 4).choices)
    together = search_all(states, settings, WatchfulEvaluator(), explore=True)
    for count in (1, 3):
        fewer = search_all(states[:count], settings, WatchfulEvaluator(), explore=True)
        for lane in range(count):
            assert visits_of(fewer, lane) == visits_of(together, lane)


def test_forced_finished_settled_and_solved_positions_are_never_requested(settings):
    states = [state for seed in range(8) for state in RandomRound(seed, 4, 5).choices]
    evaluator = UniformEvaluator()
    search_all(states, settings, evaluator)
    roots = len(states)
    asked = np.concatenate(evaluator.judged)[roots:]
    assert len(asked) > 1000
    for state in asked:
        assert not is_over(state)
        assert legal_count(state) > 1
        assert not is_settled(state)
        assert is_bidding(state) or tricks_left(state) > settings.solve_tricks
    for state in np.concatenate(evaluator.acted):
        assert legal_count(state) > 1


def test_stopping_at_settled_rounds_saves_evaluations_and_changes_no_visit():
    states = [
        state
        for seed in range(60)
        for state in RandomRound(seed, 3, 5).choices
        if not is_bidding(state) and tricks_left(state) <= 4
    ]
    found, asked = [], []
    for settle in (True, False):
        settings = SearchSettings(worlds=2, simulations=30, settle=settle)
        evaluator = KnowingEvaluator()
        search = search_all(states, settings, evaluator, explore=True)
        found.append([visits_of(search, lane) for lane in range(len(states))])
        asked.append(sum(map(len, evaluator.judged)))
    assert found[0] == found[1]
    assert asked[0] < 0.99 * asked[1]


def test_solving_the_last_two_tricks_requests_only_the_root():
    states = [
        state
        for seed in range(10)
        for state in RandomRound(seed, 4, 5).choices
        if not is_bidding(state) and tricks_left(state) <= 2
    ]
    evaluator = UniformEvaluator()
    settings = SearchSettings(worlds=3, simulations=20, solve_tricks=2)
    search = search_all(states, settings, evaluator)
    assert [len(batch) for batch in evaluator.judged] == [len(states)]
    assert (search.trees.simulations == 20).all()


class PlainSharedTree:
    """One tree over all worlds by the plain algorithm: a dictionary by information set."""

    def __init__(self, root: np.ndarray, evaluator: WatchfulEvaluator) -> None:
        self.root = root
        self.evaluator = evaluator
        self.draws = stream(1, "search", 0)
        self.table = new_table()
        prepare_worlds(root, root[SEAT], self.table)
        self.nodes: dict[tuple, dict] = {}

    def world(self) -> np.ndarray:
        world = np.empty(STATE, np.int64)
        sample_world(self.root, self.root[SEAT], self.table, self.draws, world)
        return world

    def node(self, history: tuple, state: np.ndarray) -> dict:
        legal = legal_of(state)
        values = self.evaluator.values(state[None])[0]
        priors = self.evaluator.priors(state[None])[0, : len(legal)]
        known = {
            "values": values,
            "seat": state[SEAT],
            "prior": dict(zip(legal, priors.tolist(), strict=True)),
            "visits": dict.fromkeys(legal, 0),
            "sums": dict.fromkeys(legal, np.float32(0)),
        }
        self.nodes[history, int(state[HANDS + state[SEAT]])] = known
        return known

    def search(self, simulations: int) -> None:
        state = self.world()
        self.node((), state)
        for number in range(simulations):
            self.simulate(state if number == 0 else self.world())

    def simulate(self, state: np.ndarray) -> None:
        history: tuple = ()
        path = []
        while True:
            node = self.nodes.get((history, int(state[HANDS + state[SEAT]])))
            if node is None:
                values = self.node(history, state)["values"]
                break
            action = max(node["prior"], key=lambda a: self.score(node, a))
            path.append((node, action))
            while action is not None:
                state, history = played(state, action), (*history, action)
                legal = [] if is_over(state) else legal_of(state)
                action = legal[0] if len(legal) == 1 else None
            if is_over(state):
                made = [points(state, seat) for seat in range(state[PLAYERS])]
                values = np.array(made, np.float32) / np.float32(most_points(state[DEALT]))
                break
        for node, action in path:
            node["visits"][action] += 1
            node["sums"][action] += values[node["seat"]]

    def score(self, node: dict, action: int) -> float:
        tried = node["visits"][action]
        worth = float(node["values"][node["seat"]])
        if tried > 0:
            worth = float(node["sums"][action]) / tried
        reach = 1.5 * math.sqrt(sum(node["visits"].values()) + 1)
        return worth + reach * node["prior"][action] / (1 + tried)


@pytest.mark.parametrize(("players", "cards"), [(3, 3), (4, 5), (5, 2)])
def test_the_shared_tree_is_that_of_the_plain_algorithm(players, cards):
    settings = SearchSettings(worlds=4, simulations=30, tree="shared", settle=False)
    shared = 0
    for state in RandomRound(9, players, cards).choices:
        plain = PlainSharedTree(state, WatchfulEvaluator())
        plain.search(120)
        search = search_all([state], settings, WatchfulEvaluator())
        root = plain.nodes[(), int(state[HANDS + state[SEAT]])]
        assert visits_of(search) == root["visits"]
        used = search.trees.nodes[0]
        assert used == len(plain.nodes)
        passed = sorted(sum(node["visits"].values()) for node in plain.nodes.values())
        assert passed == sorted(search.trees.visits[0, :used].tolist())
        shared += int((search.trees.sibling[0, :used] >= 0).sum())
    assert shared > 50  # nodes of the same edge in worlds that differ


def test_values_stay_within_those_of_the_evaluator_and_the_rules(settings):
    for state in RandomRound(3, 4, 5).choices[::4]:
        search = search_all([state], settings, KnowingEvaluator())
        trees = search.trees
        for tree in range(search.width):
            for node in range(trees.nodes[tree]):
                edges = trees.edges[tree, node]
                visits = trees.edge_visits[tree, node, :edges]
                sums = trees.edge_sum[tree, node, :edges]
                assert (sums <= visits + 1e-4).all()
                assert (sums >= 0).all()
                assert visits.sum() == (trees.visits[tree, node] if edges else 0)


def test_every_budget_of_simulations_is_kept(settings):
    """A cheap search in the memory of a full one, as self-play mixes them."""
    state = RandomRound(4, 4, 5).choices[2]
    search = new_search(1, settings)
    for simulations in (search.simulations, 4, 1, 7):
        draws = stream(1, "budget")
        begin_search(search, 0, state, simulations, False, draws)
        done = False
        while not done:
            requests = new_requests(1, settings)
            request_evaluations(search, 0, requests)
            answers = WatchfulEvaluator().evaluate(*requested_states(requests))
            done = advance_search(search, 0, *answers, draws)
        assert (search.trees.simulations == simulations).all()
        assert sum(visits_of(search).values()) == simulations * search.width
