"""The equilibrium of the one-card round: by CFR+, and seat by seat."""

from __future__ import annotations

import numpy as np

from blobmaster.evaluation.exact.one_card import (
    BidPolicy,
    BidValues,
    OneCardRound,
    bid_values,
    legal_bids,
    uniform_policy,
)


def solve(game: OneCardRound, iterations: int) -> BidPolicy:
    """The average policy of CFR+ after so many iterations, all seats updated at once.

    Regrets never fall below 0, and the policy of iteration t counts t times: Tammelin, "Solving
    large imperfect information games using CFR+", 2014. A seat acts once in a round, so that its
    own reach, by which CFR weighs its policies, is 1.
    """
    policy = uniform_policy(game)
    regrets = np.zeros((*policy.shape, 2))
    average = np.zeros_like(policy)
    for iteration in range(1, iterations + 1):
        average += iteration * policy
        regrets = np.maximum(regrets + _regrets(game, policy), 0.0)
        policy = _match_regrets(game, regrets)
    return average * 2 / (iterations * (iterations + 1))


def _regrets(game: OneCardRound, policy: BidPolicy) -> BidValues:
    """What each bid would have made above the policy; never more than 0 for an illegal one."""
    values = bid_values(game, policy)
    made = policy * values[:, :, 1] + (1 - policy) * values[:, :, 0]
    legal = legal_bids(game.players)[:, None]
    return np.where(legal, values - made[:, :, None], -np.inf)


def _match_regrets(game: OneCardRound, regrets: BidValues) -> BidPolicy:
    """Bid in proportion to the regrets; uniformly where there are none."""
    total = regrets.sum(axis=2)
    return np.divide(regrets[:, :, 1], total, out=uniform_policy(game), where=total > 0)


def solve_seat_by_seat(game: OneCardRound) -> BidPolicy:
    """An exact equilibrium: from the leader to the dealer, each seat's best response.

    No seat cares about the bids that follow its own, so what is best against the seats before it
    stays best whatever the seats behind it do.
    """
    policy = uniform_policy(game)
    legal = legal_bids(game.players)
    for seat in range(game.players):
        nodes = game.nodes_of(seat)
        values = np.where(legal[:, None], bid_values(game, policy), -np.inf)[nodes]
        policy[nodes] = values[:, :, 1] > values[:, :, 0]
    return policy
