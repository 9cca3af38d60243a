"""Equilibria of the one-card round: approximate by CFR+, exact by backward reasoning per seat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from blobmaster.evaluation.exact.one_card import (
    BidPolicy,
    BidValues,
    OneCardRound,
    bid_values,
    legal_bids,
    uniform_policy,
)


def solve(
    game: OneCardRound,
    iterations: int,
    value_bids: Callable[[BidPolicy], BidValues] | None = None,
) -> BidPolicy:
    """Run CFR+ with simultaneous updates and return the average policy.

    `value_bids` returns the values of a policy's bids; without it they are points.

    Regrets are clipped at 0 and iteration t has weight t in the average: Tammelin, "Solving large
    imperfect information games using CFR+", 2014. A seat acts once per round, so its own reach
    probability, the other weight of the average, is always 1.
    """
    policy = uniform_policy(game)
    regrets = np.zeros((*policy.shape, 2))
    average = np.zeros_like(policy)
    for iteration in range(1, iterations + 1):
        average += iteration * policy
        values = value_bids(policy) if value_bids else bid_values(game, policy)
        regrets = np.maximum(regrets + _regrets(game, policy, values), 0.0)
        policy = _match_regrets(game, regrets)
    # The weights 1 to n sum to n (n + 1) / 2.
    return average * 2 / (iterations * (iterations + 1))


def _regrets(game: OneCardRound, policy: BidPolicy, values: BidValues) -> BidValues:
    """Return the instantaneous regret of each bid; -inf for an illegal one."""
    made = policy * values[:, :, 1] + (1 - policy) * values[:, :, 0]
    legal = legal_bids(game.players)[:, None]
    # The clipping of CFR+ turns -inf into 0, so an illegal bid never gets probability.
    return np.where(legal, values - made[:, :, None], -np.inf)


def _match_regrets(game: OneCardRound, regrets: BidValues) -> BidPolicy:
    """Return the policy proportional to the positive regrets; uniform if there are none."""
    total = regrets.sum(axis=2)
    return np.divide(regrets[:, :, 1], total, out=uniform_policy(game), where=total > 0)


def solve_seat_by_seat(game: OneCardRound) -> BidPolicy:
    """Compute an exact equilibrium: each seat's best response, from the leader to the dealer.

    Later bids do not change a seat's payoff. So a best response to the earlier seats stays one
    whatever the later seats do.
    """
    policy = uniform_policy(game)
    legal = legal_bids(game.players)
    for seat in range(game.players):
        nodes = game.nodes_of(seat)
        values = np.where(legal[:, None], bid_values(game, policy), -np.inf)[nodes]
        # A tie goes to bid 0; either bid is a best response. An illegal bid
        # has -inf and never wins.
        policy[nodes] = values[:, :, 1] > values[:, :, 0]
    return policy
