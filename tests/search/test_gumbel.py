"""Sequential halving at the root: visited actions, dropped actions, and the policy target."""

from __future__ import annotations

import numpy as np
import pytest
from positions import RandomRound, legal_of
from searching import WatchfulEvaluator, search_all, visits_of

from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import BIDS, MAX_LEGAL, SEAT
from blobmaster.search.batch import Search
from blobmaster.search.gumbel import Improvement, RootStatistics, improved_policy
from blobmaster.search.mcts import root_action, root_choice, root_policy, root_statistics

WIDE = RandomRound(1, 3, 12).choices[0]
"""The first bid of a round of 12 cards: 13 actions."""


def gumbel(**settings: float) -> SearchSettings:
    return SearchSettings(**({"root": "gumbel", "worlds": 2, "simulations": 24} | settings))


def shares_of(search: Search, lane: int = 0) -> np.ndarray:
    shares = np.full(MAX_LEGAL, np.nan)
    count = root_policy(search, lane, shares)
    assert (shares[count:] == 0).all()
    return shares[:count]


class TellingEvaluator(WatchfulEvaluator):
    """Priors that fall from action to action, and values that rise with the number of the action
    that was taken at the root, which is a bid."""

    def __init__(self, root: np.ndarray) -> None:
        super().__init__()
        self.root = root

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = super().priors(states)
        for prior, state in zip(priors, states, strict=True):
            count = len(legal_of(state))
            prior[:count] = np.arange(count, 0, -1) / (count * (count + 1) / 2)
        return priors

    def values(self, states: np.ndarray) -> np.ndarray:
        seat = self.root[SEAT]
        bids = states[:, BIDS + seat]
        return np.repeat(((bids + 1) / 20)[:, None], 8, axis=1).astype(np.float32)


def test_simulations_are_halved_over_the_considered_actions():
    search = search_all([WIDE], gumbel(considered=8), TellingEvaluator(WIDE))
    visits = list(visits_of(search).values())
    # Three phases of 8 simulations a world: 8 actions once, 4 twice, 2 four times. The first 8 have
    # the highest priors; of those the last have the highest values.
    assert visits == [2, 2, 2, 2, 6, 6, 14, 14, 0, 0, 0, 0, 0]
    for tree in range(2):  # in every world alike
        assert search.trees.edge_visits[tree, 0, :13].tolist() == [v // 2 for v in visits]
    assert root_action(search, 0, root_choice(search, 0)) == legal_of(WIDE)[7]


@pytest.mark.parametrize(("worlds", "simulations"), [(1, 1), (1, 2), (3, 5), (2, 35), (4, 64)])
@pytest.mark.parametrize("considered", [2, 3, 8, 18])
@pytest.mark.parametrize("tree", ["each", "shared"])
def test_every_simulation_is_used_and_no_more_are_considered(worlds, simulations, considered, tree):
    states = list(RandomRound(3, 4, 5).choices)
    settings = gumbel(worlds=worlds, simulations=simulations, considered=considered, tree=tree)
    search = search_all(states, settings, WatchfulEvaluator(), explore=True)
    for lane, state in enumerate(states):
        visits = visits_of(search, lane)
        assert list(visits) == legal_of(state)
        assert sum(visits.values()) == worlds * simulations
        tried = sum(count > 0 for count in visits.values())
        assert tried == min(considered, settings.simulations_a_tree, len(visits))
        assert visits[root_action(search, lane, root_choice(search, lane))] > 0


def test_without_noise_the_choice_is_the_best_considered_action_of_the_improved_policy():
    states = list(RandomRound(4, 5, 6).choices)
    search = search_all(states, gumbel(considered=18), WatchfulEvaluator())
    for lane, state in enumerate(states):
        visits = np.array(list(visits_of(search, lane).values()))
        shares = shares_of(search, lane)
        left = np.argsort(-visits, kind="stable")[:2]  # the last two that were compared
        assert root_choice(search, lane) in left
        assert shares[root_choice(search, lane)] == shares[left].max()
        assert len(legal_of(state)) == len(shares)


def test_with_equal_values_gumbel_noise_draws_choices_from_the_priors():
    """The maximum of log shares plus Gumbel noise is a draw by the shares (Gumbel-max trick)."""

    class Indifferent(TellingEvaluator):
        def values(self, states: np.ndarray) -> np.ndarray:
            return np.full((len(states), 8), 0.5, np.float32)

    state = RandomRound(1, 3, 3).choices[0]
    count = len(legal_of(state))
    draws = 4000
    settings = gumbel(worlds=1, simulations=count, considered=18)
    search = search_all([state] * draws, settings, Indifferent(state), explore=True)
    chosen = np.bincount([root_choice(search, lane) for lane in range(draws)], minlength=count)
    expected = np.arange(count, 0, -1) / (count * (count + 1) / 2)
    assert chosen / draws == pytest.approx(expected, abs=4 * np.sqrt(0.25 / draws))


def test_the_improved_policy_is_the_prior_times_the_exponential_of_completed_values():
    prior = np.array([0.5, 0.3, 0.2])
    visits, value = np.array([3, 0, 5]), np.array([0.25, 0.5, 0.75])
    pad = [(0, MAX_LEGAL - 3)]
    roots = RootStatistics(3, np.pad(visits, pad), np.pad(value, pad), np.pad(np.log(prior), pad))
    shares = np.empty(MAX_LEGAL)
    improved_policy(roots, Improvement(visit_offset=50.0, value_scale=0.1), shares)
    expected = prior * np.exp((50 + 5) * 0.1 * value)
    assert shares[:3] == pytest.approx(expected / expected.sum())
    assert (shares[3:] == 0).all()


def test_an_unvisited_action_has_the_mixed_value():
    search = search_all([WIDE], gumbel(considered=4), TellingEvaluator(WIDE))
    roots = root_statistics(search, 0)
    tried = roots.visits[:13] > 0
    assert tried.tolist() == [True] * 4 + [False] * 9
    total = roots.visits.sum()
    assert total == 48
    weights = np.exp(roots.logit[:4])
    of_tried = (weights * roots.value[:4]).sum() / weights.sum()
    own = search.trees.value[0, 0]
    assert roots.value[4:13] == pytest.approx((own + total * of_tried) / (1 + total))
    assert roots.value[:4] == pytest.approx([0.05, 0.10, 0.15, 0.20])


def test_a_prior_of_zero_leaves_a_policy_that_sums_to_one():
    class Certain(TellingEvaluator):
        def priors(self, states: np.ndarray) -> np.ndarray:
            priors = super().priors(states)
            priors[:, 0], priors[:, 1:] = 1, 0
            return priors

    shares = shares_of(search_all([WIDE], gumbel(), Certain(WIDE), explore=True))
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)
