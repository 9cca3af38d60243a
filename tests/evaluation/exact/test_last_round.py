"""The last round of a game: exact shares of the win, and what a player of games sees there."""

from __future__ import annotations

import numpy as np
import pytest
from deciding import HashedEvaluator, random_policy

from blobmaster.evaluation.exact import last_round
from blobmaster.evaluation.exact.bidding import policies_of
from blobmaster.evaluation.exact.equilibrium import solve, solve_seat_by_seat
from blobmaster.evaluation.exact.last_round import LastRound, draw_scores, win_values
from blobmaster.evaluation.exact.one_card import (
    OneCardRound,
    bid_values,
    gains_from,
    legal_bids,
    uniform_policy,
)
from blobmaster.evaluation.exact.tiny_game import tiny_deck
from blobmaster.game.cards import NO_TRUMP
from blobmaster.game.rules import LONGEST, ROUNDS_LEFT, SCORES
from blobmaster.game.scoring import score

GAMES = [
    OneCardRound(3, 0, tiny_deck(2, 3)),
    OneCardRound(3, NO_TRUMP, (0, 5, 12, 14, 20, 30, 50)),
    OneCardRound(4, 1, tiny_deck(4, 2)),
]


@pytest.mark.parametrize("game", GAMES)
def test_with_points_for_shares_its_sums_are_those_of_the_one_card_round(game, monkeypatch):
    def points(last: LastRound) -> np.ndarray:
        players = last.game.players
        found = np.empty((players, players, 2**players))
        for winner, seat, bids in np.ndindex(*found.shape):
            found[winner, seat, bids] = score(bids >> (players - 1 - seat) & 1, seat == winner)
        return found

    monkeypatch.setattr(last_round, "_payoffs", points)
    policy = random_policy(game, 1)
    values = win_values(LastRound(game, (0,) * game.players), policy)
    assert np.allclose(values, bid_values(game, policy), rtol=0, atol=1e-12)


@pytest.mark.parametrize("game", GAMES)
def test_the_seats_share_one_win_and_a_best_response_makes_its_value(game):
    scores = tuple(10 * seat % 30 for seat in range(game.players))
    last = LastRound(game, scores)
    policy = random_policy(game, 2)
    values = win_values(last, policy)
    found = gains_from(game, policy, values)
    assert found.made.sum() == pytest.approx(1)
    assert found.nash_conv > 0.01
    legal = legal_bids(game.players)[:, None]
    best = np.where(legal, values, -np.inf).argmax(axis=2)
    for seat in range(game.players):
        deviating = policy.copy()
        deviating[game.nodes_of(seat)] = best[game.nodes_of(seat)]
        made = gains_from(game, deviating, win_values(last, deviating)).made[seat]
        assert made == pytest.approx(found.best[seat])


def test_a_game_that_is_decided_leaves_nothing_to_gain():
    last = LastRound(GAMES[0], (100, 0, 50))
    found = gains_from(
        last.game, uniform_policy(last.game), win_values(last, uniform_policy(last.game))
    )
    assert found.made.tolist() == pytest.approx([1, 0, 0])
    assert found.nash_conv == pytest.approx(0)


def test_playing_for_points_can_be_exploited_and_a_solution_for_the_win_cannot():
    last = LastRound(OneCardRound(3, 0), (21, 10, 11))
    game = last.game
    for_points = solve_seat_by_seat(game)
    for_win = solve(game, 30, lambda policy: win_values(last, policy))
    gap = [
        gains_from(game, policy, win_values(last, policy)).nash_conv
        for policy in (uniform_policy(game), for_points, for_win)
    ]
    assert gap[0] > gap[1] > 0.01 > 10 * gap[2]


def test_scores_are_drawn_as_sums_of_earlier_rounds_and_repeat():
    drawn = draw_scores(4, 50)
    assert drawn == draw_scores(4, 50)
    assert drawn[:5] == draw_scores(4, 5)
    possible = {a + b + c for a in (0, 10, 11) for b in (0, 10, 11) for c in (0, 10, 11)}
    assert all(len(scores) == 4 and set(scores) <= possible for scores in drawn)


def test_most_bids_of_the_earlier_rounds_are_made():
    # Two rounds of three players: 3 in 4 bids are made, and one in three of these bids a trick.
    scores = np.array(draw_scores(3, 2000)) / 2
    assert scores.mean() == pytest.approx(0.75 * (10 * 2 / 3 + 11 / 3), abs=0.15)


def test_a_player_of_games_sees_the_scores_and_that_the_round_is_the_last():
    seen = []

    class Spy(HashedEvaluator):
        def priors(self, states):
            seen.append(states.copy())
            return super().priors(states)

    game = OneCardRound(3, 0, tiny_deck(2, 3))
    policies_of(Spy(1), game, (21, 0, 10))
    policies_of(Spy(1), game)
    last, single = seen
    assert (last[:, SCORES : SCORES + 3] == (21, 0, 10)).all()
    assert (last[:, LONGEST] == 1).all()
    assert (last[:, ROUNDS_LEFT] == 0).all()
    assert not single[:, [SCORES, LONGEST, ROUNDS_LEFT]].any()
