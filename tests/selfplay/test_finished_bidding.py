"""In games, the bids after an action are drawn before the action is valued."""

from __future__ import annotations

import numpy as np
import pytest
from positions import legal_of

from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.rules import BIDS, DEALER, DEALT, MAX_LEGAL, OPPONENTS, PLAYERS, STATE
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_lookahead import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal_games

GAMES = 300
CARDS = 3
MIX = RoundMix(players={4: 1.0}, most_cards={4: {CARDS: 1.0}})


class Witness:
    """Chooses the first legal action with probability 0.7, the second with 0.3."""

    def __init__(self) -> None:
        self.judged = np.zeros((0, STATE), np.int64)

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            count = len(legal_of(state))
            priors[row, :count] = [0.7, 0.3, *[0.0] * 18][:count] if count > 1 else 1.0
        return priors

    def chances(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.judged = states.copy()
        return np.zeros((len(states), 8), np.int64), np.zeros((len(states), 8), np.float32)

    def standings(self, states: np.ndarray) -> np.ndarray:
        return np.full((len(states), 8), 0.25, np.float32)


def first_successors(**settings: float) -> tuple[Deals, np.ndarray]:
    """Return the games' deals and the successors of each one's first bid, `[games, bids, STATE]`.

    The first bidders are no opponents: an opponent's choice has no successors.
    """
    draws = generator(5, "test bids")
    plain = {"lanes": GAMES, "greedy_rounds": 0.0, "opponent_styles": 0.0}
    chosen = SelfPlaySettings(**(plain | settings))
    deals = assign_players(deal_games(MIX, GAMES, draws), chosen, draws)
    first = deals.starts[:-1]
    leaders = (deals.plan[first, 3] + 1) % 4
    deals.opponents[first] &= ~(1 << leaders)
    witness = Witness()
    asked = iter((False, True))  # stop after one step
    play_block(witness, deals, chosen, should_stop=lambda: next(asked), on_rounds=lambda _: None)
    return deals, witness.judged.reshape(GAMES, CARDS + 1, STATE)


def bids_after_the_first(judged: np.ndarray) -> np.ndarray:
    """Return `[games, 3]`, what the other seats bid after a first bid of 0, in order."""
    seats = (judged[:, 0, DEALER, None] + np.arange(2, 5)) % judged[0, 0, PLAYERS]
    return np.take_along_axis(judged[:, 0], BIDS + seats, axis=1)


def test_every_seat_has_bid_before_the_critic_is_asked():
    _, judged = first_successors(opponent_rounds=0.5)
    assert (judged[..., DEALT] == CARDS).all()
    assert (judged[..., BIDS : BIDS + 4] >= 0).all()


def test_seats_of_the_network_draw_their_bids_from_its_policy():
    _, judged = first_successors(opponent_rounds=0.0)
    second = bids_after_the_first(judged)[:, 0]
    assert set(second.tolist()) == {0, 1}
    assert (second == 0).mean() == pytest.approx(0.7, abs=0.08)  # three standard errors


def test_in_greedy_rounds_they_make_their_likeliest_bid():
    _, judged = first_successors(opponent_rounds=0.0, greedy_rounds=1.0)
    assert (bids_after_the_first(judged)[:, :2] == 0).all()


def test_opponents_bid_in_their_own_way():
    _, judged = first_successors(opponent_rounds=1.0, opponent_seats=0.9)
    seats = (judged[:, 0, DEALER] + 2) % 4
    opponent = (judged[:, 0, OPPONENTS] >> seats) & 1 != 0
    assert opponent.sum() > 200
    second = bids_after_the_first(judged)[opponent, 0]
    shares = np.bincount(second, minlength=CARDS + 1) / len(second)
    assert shares == pytest.approx(np.full(CARDS + 1, 0.25), abs=0.09)  # at random


def test_one_decisions_successors_share_their_draws():
    _, judged = first_successors(opponent_rounds=0.0)
    seats = (judged[:, :1, DEALER] + 2) % 4
    second = np.take_along_axis(judged, (BIDS + seats)[..., None], axis=2)[..., 0]
    assert (second == second[:, :1]).all()
    assert 0 < second[:, 0].mean() < 1
