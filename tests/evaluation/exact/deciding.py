"""Evaluators whose priors depend on the acting seat's information set, and random policies."""

from __future__ import annotations

import hashlib

import numpy as np
from positions import legal_of

from blobmaster.evaluation.exact.one_card import OneCardRound, legal_bids, uniform_policy
from blobmaster.game.cards import RANKS, cards_in
from blobmaster.game.rules import BIDS, HANDS, MAX_LEGAL, PLAYERS, SEAT, SEEN, TABLE, TRICKS


def view_of(state: np.ndarray) -> bytes:
    """Return what the acting seat sees, without the order of cards in earlier tricks."""
    seat, players = state[SEAT], state[PLAYERS]
    seen = [seat, state[HANDS + seat], state[SEEN]]
    for field in (BIDS, TRICKS, TABLE):
        seen += state[field : field + players].tolist()
    return repr([int(value) for value in seen]).encode()


class HashedEvaluator:
    """Pseudo-random priors, equal for equal views."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            digest = hashlib.sha256(view_of(state)).digest()
            draws = np.random.default_rng([self.seed, *digest])
            count = len(legal_of(state))
            priors[row, :count] = draws.dirichlet(np.ones(count))
        return priors


class BoldEvaluator:
    """Bids 1 with a probability that grows with its card; suits matter by trump only."""

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            (card,) = cards_in(int(state[HANDS + state[SEAT]]))
            priors[row, 1] = (1 + card % RANKS) / (RANKS + 1)
            priors[row, 0] = 1 - priors[row, 1]
        return priors


def random_policy(game: OneCardRound, seed: int) -> np.ndarray:
    """Draw a policy: any probability of bidding 1 where both bids are legal."""
    policy = uniform_policy(game)
    free = legal_bids(game.players).all(axis=1)
    policy[free] = np.random.default_rng(seed).random((free.sum(), len(game.deck)))
    return policy
