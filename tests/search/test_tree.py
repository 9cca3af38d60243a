"""One tree in an open world: it finds the right play in endings, and its numbers add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from endings import ENDINGS, SELFISH, ending, only_good_action, open_hands
from evaluators import UniformEvaluator
from positions import RandomRound, card, legal_of, played

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    ACTIONS,
    DEALT,
    FIRST_BID,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    is_over,
    play_forced,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.search.simulation import add_node, begin_simulation, descend, expand, reset_tree
from blobmaster.search.tree import NO_NODE, NOTHING, PRIORS, VALUES, TreeRules, Trees, new_trees

EXPLORATION = 1.5
RULES = TreeRules(exploration=EXPLORATION, settle=False, solve_tricks=0)


class LopsidedEvaluator:
    """Priors and values that differ from action to action, seat to seat and trick to trick."""

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            weights = [1 + action * 7 % 5 for action in legal_of(state)]
            priors[row, : len(weights)] = np.array(weights) / sum(weights)
        return priors

    def values(self, states: np.ndarray) -> np.ndarray:
        sums = states.sum(axis=1)[:, None]
        return (0.1 + (np.arange(MAX_PLAYERS) * 3 + sums) % 7 / 10).astype(np.float32)

    def evaluate(self, acting: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.priors(acting), self.values(judged)


def grow(state: np.ndarray, simulations: int, evaluator=None, rules: TreeRules = RULES) -> Trees:
    """Grow one tree in the world of `state`."""
    evaluator = evaluator or UniformEvaluator()
    trees = new_trees(1, simulations)
    trees.world[0] = state
    reset_tree(trees, 0)
    while trees.awaits[0] != NOTHING:
        awaits = trees.awaits[0]
        if awaits & VALUES:
            add_node(trees, 0, evaluator.values(trees.leaf)[0])
        if awaits & PRIORS:
            expand(trees, 0, evaluator.priors(trees.leaf)[0])
        while trees.awaits[0] == NOTHING:
            if not trees.is_simulating[0]:
                if trees.simulations[0] == simulations:
                    break
                begin_simulation(trees, 0)
            descend(trees, 0, rules)
    return trees


def favourite(trees: Trees, node: int = 0) -> int:
    """Return the most visited action of a node."""
    return int(trees.action[0, node, trees.edge_visits[0, node].argmax()])


@pytest.mark.parametrize("name", ENDINGS)
def test_search_finds_the_one_card_that_is_right(name):
    *given, right = ENDINGS[name]
    state = ending(*given)
    assert only_good_action(state) == card(right)
    assert favourite(grow(state, 400)) == card(right)


@pytest.mark.parametrize("name", SELFISH)
def test_each_seat_is_expected_to_maximise_its_own_points(name):
    *given, right = SELFISH[name]
    state = ending(*given)
    assert only_good_action(state) == card(right)
    assert card(right) != legal_of(state)[0]
    assert favourite(grow(state, 3000)) == card(right)


@pytest.mark.parametrize(("dealers", "right"), [("2♠", 1), ("2♦", 0)])
def test_the_dealer_of_one_card_bids_what_it_will_take(dealers, right):
    state = ending("♠", ["5♥", "3♥", "4♥", dealers], [1, 1, 1])
    assert favourite(grow(state, 50)) == FIRST_BID + right


def small_endings() -> list[np.ndarray]:
    """Return decisions near the end of random rounds, small enough to enumerate every play."""
    found = []
    for seed in range(40):
        players, cards = [(3, 3), (4, 3), (3, 5), (5, 2)][seed % 4]
        for state in RandomRound(seed, players, cards).choices:
            if state[ACTIONS] >= players and open_hands(state).bit_count() <= 9:
                found.append(state)
    return found


def test_in_every_random_ending_no_seat_chooses_against_itself():
    """At each often visited node, the most visited action is the seat's only good one."""
    judged = 0
    for state in small_endings():
        trees = grow(state, 1500)
        nodes = [(0, state)]
        while nodes:
            node, reached = nodes.pop()
            assert trees.seat[0, node] == reached[SEAT]
            if trees.visits[0, node] >= 300 and (right := only_good_action(reached)) is not None:
                assert favourite(trees, node) == right
                judged += 1
            for edge in range(trees.edges[0, node]):
                if (child := trees.child[0, node, edge]) != NO_NODE:
                    after = played(reached, trees.action[0, node, edge])
                    play_forced(after)
                    nodes.append((int(child), after))
    assert judged >= 60


@pytest.mark.parametrize("simulations", [1, 2, 35, 500])
def test_a_trees_visits_add_up(simulations):
    for state in RandomRound(5, 4, 4).choices:
        trees = grow(state, simulations)
        used = trees.nodes[0]
        assert trees.simulations[0] == trees.visits[0, 0] == simulations
        assert used <= simulations + 1
        assert (trees.edges[0, :used] != 1).all()  # forced moves make no node
        for node in range(used):
            edges = trees.edges[0, node]
            visits = trees.edge_visits[0, node, :edges]
            children = trees.child[0, node, :edges]
            assert visits.sum() == trees.visits[0, node]
            for edge in np.flatnonzero(children != NO_NODE):
                assert visits[edge] == 1 + trees.visits[0, children[edge]]
        expanded = trees.edges[0, :used] > 0
        assert (expanded[1:] == (trees.visits[0, 1:used] > 0)).all()  # asked when passed through
        children = trees.child[0, :used][expanded]
        children = children[children > 0]
        assert sorted(children.tolist()) == list(range(1, used))  # each node hangs on one edge


class PlainNode:
    """A node of the plain algorithm, with dictionaries instead of arrays."""

    def __init__(self, state: np.ndarray, evaluator: LopsidedEvaluator) -> None:
        self.state = state
        self.worth = evaluator.values(state[None])[0]
        priors = evaluator.priors(state[None])[0]
        self.prior = dict(zip(legal_of(state), priors.tolist(), strict=False))
        self.visits = dict.fromkeys(self.prior, 0)
        self.sums = dict.fromkeys(self.prior, np.float32(0))
        self.children: dict[int, PlainNode] = {}

    def simulate(self, evaluator: LopsidedEvaluator) -> np.ndarray:
        """One simulation from here on; the values that it backs up."""
        action = max(self.prior, key=self._score)
        if action in self.children:
            values = self.children[action].simulate(evaluator)
        else:
            values = self._reach(action, evaluator)
        self.visits[action] += 1
        self.sums[action] += values[self.state[SEAT]]
        return values

    def _reach(self, action: int, evaluator: LopsidedEvaluator) -> np.ndarray:
        after = played(self.state, action)
        while not is_over(after) and len(legal_of(after)) == 1:
            after = played(after, legal_of(after)[0])
        if not is_over(after):
            self.children[action] = PlainNode(after, evaluator)
            return self.children[action].worth
        made = [points(after, seat) for seat in range(after[PLAYERS])]
        return np.array(made, np.float32) / np.float32(most_points(after[DEALT]))

    def _score(self, action: int) -> float:
        tried = self.visits[action]
        worth = float(self.worth[self.state[SEAT]])
        if tried > 0:
            worth = float(self.sums[action]) / tried
        reach = EXPLORATION * math.sqrt(sum(self.visits.values()) + 1)
        return worth + reach * self.prior[action] / (1 + tried)


@pytest.mark.parametrize(("players", "cards"), [(3, 4), (4, 5), (5, 3), (8, 2)])
def test_the_arrays_hold_the_tree_of_the_plain_algorithm(players, cards):
    for state in RandomRound(9, players, cards).choices:
        evaluator = LopsidedEvaluator()
        plain = PlainNode(state, evaluator)
        for _ in range(150):
            plain.simulate(evaluator)
        trees = grow(state, 150, evaluator)
        pairs = [(plain, 0)]
        while pairs:
            node, number = pairs.pop()
            if trees.edges[0, number] == 0:  # not passed through: it has no priors yet
                assert not any(node.visits.values())
                continue
            actions = trees.action[0, number, : trees.edges[0, number]].tolist()
            visits = trees.edge_visits[0, number, : len(actions)].tolist()
            assert dict(zip(actions, visits, strict=True)) == node.visits
            assert np.array_equal(trees.edge_sum[0, number, : len(actions)], [*node.sums.values()])
            for action, child in node.children.items():
                pairs.append((child, int(trees.child[0, number, actions.index(action)])))
