"""Shares of the win after a round: means over who makes a bid, and what the lookahead does then."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from evaluators import UniformEvaluator
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import SIZES, RandomRound, legal_of, played

from blobmaster.agents.belief import BeliefAgent
from blobmaster.config.belief import BeliefSettings
from blobmaster.evaluation.arena import shares_of_win
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    FIRST_BID,
    LONGEST,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
)
from blobmaster.game.scoring import most_points
from blobmaster.kernels.rng import stream
from blobmaster.search.win_shares import MIN_STAKE, win_shares


def end_standings(states: np.ndarray) -> np.ndarray:
    """Return the shares of the win in games that are over."""
    assert (states[:, ROUNDS_LEFT] == -1).all()
    shares = np.zeros((len(states), MAX_PLAYERS), np.float32)
    players = int(states[0, PLAYERS])
    shares[:, :players] = shares_of_win(states[:, SCORES : SCORES + players])
    return shares


def in_last_round(state: np.ndarray, scores: list[int]) -> np.ndarray:
    state = state.copy()
    state[LONGEST] = state[DEALT]
    state[ROUNDS_LEFT] = 0
    state[SCORES : SCORES + len(scores)] = scores
    return state


def expected_stake(scores: list[int], seat: int, cards: int) -> float:
    """Return what the last round can change: the seat alone is exact, or all others are."""
    usual = 10 + 1 + cards // len(scores)
    best = [score + usual * (other == seat) for other, score in enumerate(scores)]
    worst = [score + usual * (other != seat) for other, score in enumerate(scores)]
    change = shares_of_win(np.array(best))[seat] - shares_of_win(np.array(worst))[seat]
    return max(float(change), MIN_STAKE)


@settings(max_examples=50)
@given(size=st.sampled_from(SIZES), seed=st.integers(0, 999))
def test_the_share_is_the_mean_over_all_patterns_of_exact_bids(size, seed):
    draws = np.random.default_rng(seed)
    players, cards = size
    scores = draws.integers(0, 30, players).tolist()
    state = in_last_round(RandomRound(seed, *size).states[0], scores)
    seat, shape = int(state[SEAT]), (2, 3, MAX_PLAYERS)
    bids = draws.integers(0, cards + 1, shape)
    exact = draws.random(shape).astype(np.float32)
    found, stake = win_shares(state, bids, exact, end_standings)
    assert stake == pytest.approx(expected_stake(scores, seat, cards))
    for world, edge in product(range(2), range(3)):
        expected = 0.0
        for pattern in product((False, True), repeat=players):
            chance, after = 1.0, list(scores)
            for other, is_exact in enumerate(pattern):
                probability = float(exact[world, edge, other])
                chance *= probability if is_exact else 1 - probability
                after[other] += (10 + int(bids[world, edge, other])) * is_exact
            expected += chance * float(shares_of_win(np.array(after))[seat])
        assert found[world, edge] == pytest.approx(expected, abs=1e-6)


class LowBidsAreSafe(UniformEvaluator):
    """One seat makes a low bid more often than a high one; the others make half of theirs."""

    CHANCE = (0.9, 0.8, 0.5, 0.4, 0.1)

    def __init__(self, seat: int) -> None:
        super().__init__()
        self.seat = seat

    def chances(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        bids, exact = super().chances(states)
        exact[:, self.seat] = np.array(self.CHANCE)[bids[:, self.seat]]
        return bids, exact

    def values(self, states: np.ndarray) -> np.ndarray:
        bids, exact = self.chances(states)
        return (exact * (10 + bids) / most_points(int(states[0, DEALT]))).astype(np.float32)

    def standings(self, states: np.ndarray) -> np.ndarray:
        return end_standings(states)


def test_a_seat_that_is_behind_in_the_last_round_bids_what_can_still_win():
    state = RandomRound(1, 3, 4).states[0]
    for _ in range(2):
        state = played(state, FIRST_BID)  # the others bid 0, for 10 points
    seat = int(state[SEAT])
    assert state[BIDS + seat] < 0 or legal_of(state)[0] == FIRST_BID
    scores = [0, 0, 0]
    scores[(seat + 1) % 3] = 12
    state = in_last_round(state, scores)
    chosen = {}
    for for_win in (False, True):
        agent = BeliefAgent(LowBidsAreSafe(seat), BeliefSettings(worlds=8), for_win=for_win)
        action = agent.choose(state[None].copy(), stream(1, "a")[None])[0]
        chosen[for_win] = int(action) - FIRST_BID
    # 12 points win if the leader fails: a bid of 2 ties, and 3 is made more often than 4.
    assert chosen == {False: 0, True: 3}


def test_outside_games_a_lookahead_for_the_win_looks_at_points():
    state = RandomRound(1, 3, 4).states[2]
    seat = int(state[SEAT])
    agents = [
        BeliefAgent(LowBidsAreSafe(seat), BeliefSettings(worlds=8), for_win=for_win)
        for for_win in (False, True)
    ]
    first, second = (agent.choose(state[None].copy(), stream(1, "a")[None]) for agent in agents)
    assert first.tolist() == second.tolist()
