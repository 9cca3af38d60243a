"""A seat that sees all hands finds the best of all its lines of play."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import deals_of
from deciding import HashedEvaluator
from positions import legal_of, played

from blobmaster.evaluation.exact.clairvoyant import clairvoyant_gains
from blobmaster.game.rules import SEAT, STATE, deal_into, is_over
from blobmaster.game.scoring import points

EVALUATOR = HashedEvaluator(4)


def network_action(state: np.ndarray) -> int:
    legal = legal_of(state)
    return legal[int(EVALUATOR.priors(state[None])[0, : len(legal)].argmax())]


def best_points(state: np.ndarray, deviator: int) -> int:
    """Return the most points that `deviator` can make, by trying every line of play."""
    if is_over(state):
        return int(points(state, deviator))
    if state[SEAT] == deviator:
        return max(best_points(played(state, action), deviator) for action in legal_of(state))
    return best_points(played(state, network_action(state)), deviator)


@pytest.mark.parametrize(("players", "cards"), [(3, 1), (3, 3), (5, 2)])
def test_the_gain_is_that_of_the_best_line_over_the_networks_own(players, cards):
    deals = deals_of(players, cards, 4, seed=players)
    gains = clairvoyant_gains(EVALUATOR, deals)
    assert gains.shape == (4, players)
    for plan, deck, row in zip(deals.plan, deals.deck, gains, strict=True):
        state = np.empty(STATE, np.int64)
        deal_into(state, *plan.tolist(), deck)
        own = state
        while not is_over(own):
            own = played(own, network_action(own))
        for seat in range(players):
            assert row[seat] == best_points(state, seat) - points(own, seat)
    assert (gains > 0).any()
    assert (gains >= 0).all()


def test_rounds_with_too_many_lines_are_refused_in_one_line():
    with pytest.raises(ValueError, match="up to 6 cards, not 7"):
        clairvoyant_gains(EVALUATOR, deals_of(4, 7, 1))
