"""Self-play's policy improvement in tables: its targets, and where it leads."""

from __future__ import annotations

import numpy as np
import pytest

from blobmaster.evaluation.exact import best_response
from blobmaster.evaluation.exact.recipe import improved, train
from blobmaster.evaluation.exact.tiny_game import TINY_GAMES
from blobmaster.evaluation.exact.tree import Tree, TreePolicy, grow, uniform_policy

ONE_SUIT = grow(TINY_GAMES[0])
TWO_CARDS = grow(TINY_GAMES[2])


def some_policy(tree: Tree, seed: int) -> TreePolicy:
    """Return a random policy."""
    draws = np.random.default_rng(seed)
    found = []
    for even in uniform_policy(tree):
        drawn = (even > 0) * draws.uniform(0.1, 1.0, even.shape)
        found.append(drawn / drawn.sum(axis=1, keepdims=True))
    return found


def value_below(tree: Tree, played: TreePolicy, depth: int, node: int) -> np.ndarray:
    """Return all seats' values of a node, by recursion."""
    if depth == len(tree.levels):
        return tree.points[node] / tree.points.max()
    level = tree.levels[depth]
    chances = played[depth][level.set_of[node]]
    return sum(
        chances[level.slot[child]] * value_below(tree, played, depth + 1, child)
        for child in np.flatnonzero(level.parent == node)
    )


@pytest.mark.parametrize("mean_log", [False, True])
def test_a_target_is_the_mean_over_the_nodes_of_its_information_set(mean_log):
    tree, policy, step = ONE_SUIT, some_policy(ONE_SUIT, 1), 5.0
    found = improved(tree, policy, step=step, explore=0.2, mean_log=mean_log)
    played = [
        0.8 * own + 0.2 * even for own, even in zip(policy, uniform_policy(tree), strict=True)
    ]
    reach = np.full(tree.deals, 1 / tree.deals)
    for depth, level in enumerate(tree.levels):
        sums = np.zeros_like(policy[depth])
        weights = np.zeros(len(level.legal))
        for node, which in enumerate(level.set_of):
            children = np.flatnonzero(level.parent == node)
            values = [value_below(tree, played, depth + 1, c)[level.seat[which]] for c in children]
            own = policy[depth][which, level.slot[children]]
            target = own * np.exp(step * np.array(values))
            term = step * np.array(values) if mean_log else target / target.sum()
            sums[which, level.slot[children]] += reach[node] * term
            weights[which] += reach[node]
        mean = sums / weights[:, None]
        if mean_log:
            mean = policy[depth] * np.exp(mean) * (level.slots < level.legal[:, None])
            mean /= mean.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found[depth], mean, atol=1e-9)
        sets = level.set_of[level.parent]
        reach = reach[level.parent] * played[depth][sets, level.slot]


def test_the_mean_logarithm_leads_to_an_equilibrium_and_the_mean_hedges():
    reached = {}
    for mean_log in (False, True):
        policy = train(TWO_CARDS, 300, step=8.0, explore=0.0, rate=0.2, mean_log=mean_log)
        reached[mean_log] = best_response.gains(TWO_CARDS, policy).nash_conv
    assert reached[True] < 0.01
    assert reached[False] > 10 * reached[True]
