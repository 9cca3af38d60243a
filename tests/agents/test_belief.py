"""The belief-weighted lookahead sees its own hand only, and takes what it values most."""

from __future__ import annotations

import numpy as np
import pytest
from card_sets import SUIT_MASKS
from dealing import CPU, deals_of, ends_of_rounds, play, small_network, small_network_player
from evaluators import UniformEvaluator
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import SIZES, RandomRound, exchange_hidden, legal_of, played

from blobmaster.agents.belief import ROWS, BeliefAgent, BeliefLookahead
from blobmaster.agents.network import NetworkAgent, belief_player
from blobmaster.agents.styles import StyleAgent
from blobmaster.config.belief import BeliefSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    HANDS,
    LONGEST,
    OPPONENTS,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    TRUMP,
)
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import stream

NETWORK = NetworkEvaluator(small_network(1).parts, ROWS, CPU)
FEW = BeliefSettings(worlds=8)


def agent(settings: BeliefSettings = FEW) -> BeliefAgent:
    return BeliefAgent(NETWORK, settings)


@pytest.mark.parametrize(
    "more", [{}, {"rollouts": True}, {"styles": 0.5}], ids=["critic", "rollouts", "styles"]
)
@settings(max_examples=20)
@given(size=st.sampled_from(SIZES), seed=st.integers(0, 99))
def test_its_choice_is_the_same_whoever_holds_the_hidden_cards(more, size, seed):
    states = RandomRound(seed, *size).choices
    if len(states) == 0:
        return
    exchanged = np.array([exchange_hidden(state, int(state[SEAT]), seed) for state in states])
    streams = np.stack([stream(seed, "a", row) for row in range(len(states))])
    player = agent(BeliefSettings(worlds=8, **more))
    chosen = player.choose(states, streams.copy())
    assert chosen.tolist() == player.choose(exchanged, streams.copy()).tolist()
    assert all(
        action in legal_of(state) for action, state in zip(chosen.tolist(), states, strict=True)
    )


def test_a_choice_does_not_depend_on_the_decisions_beside_it():
    states = RandomRound(4, 5, 6).choices
    streams = np.stack([stream(4, "a", row) for row in range(len(states))])
    together = agent().choose(states, streams.copy()).tolist()
    alone = [
        agent().choose(state[None], draws[None].copy())[0]
        for state, draws in zip(states, streams, strict=True)
    ]
    assert together == alone


class TrumpBidder(UniformEvaluator):
    """Bids 1 with trump and 0 without, nearly always; in rounds of one card."""

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = super().priors(states)
        for row, state in enumerate(states):
            holds_trump = int(state[HANDS + state[SEAT]]) & SUIT_MASKS[int(state[TRUMP])]
            priors[row, :2] = (0.01, 0.99) if holds_trump else (0.99, 0.01)
        return priors


def test_worlds_that_a_bid_makes_improbable_weigh_little():
    state = RandomRound(2, 3, 1, trump=2).states[0]
    for bid in (53, 53):  # both seats before the dealer bid 1
        state = played(state, bid)
    found = [
        BeliefLookahead(evaluator, BeliefSettings(worlds=64)).consider(
            state, stream(1, "a"), np.full(18, 1 / 2, np.float32)
        )
        for evaluator in (UniformEvaluator(), TrumpBidder())
    ]
    assert found[0].effective == pytest.approx(64)
    assert found[1].effective < 16  # one world in fifteen has trump in both hands


class NotesOpponents(UniformEvaluator):
    """Keeps who holds the seats of the positions that it judges."""

    def __init__(self) -> None:
        super().__init__()
        self.opponents: list[int] = []

    def values(self, states: np.ndarray) -> np.ndarray:
        self.opponents += states[:, OPPONENTS].tolist()
        return super().values(states)


def test_the_critic_judges_worlds_with_the_players_that_are_believed_in():
    states = RandomRound(3, 5, 7).choices[-12:]
    for styles in (0.0, 0.9):
        evaluator = NotesOpponents()
        player = BeliefAgent(evaluator, BeliefSettings(worlds=32, styles=styles))
        player.choose(states, np.stack([stream(4, "a", row) for row in range(len(states))]))
        kinds = {opponents >> MAX_PLAYERS & 15 for opponents in evaluator.opponents}
        assert len(evaluator.opponents) > 20
        assert (len(kinds) > 3) == (styles > 0)


def test_the_step_grows_with_the_belief_that_the_others_are_not_like_the_network():
    state, prior = RandomRound(3, 4, 5).choices[-1], np.full(18, 1 / 2, np.float32)
    found = [
        BeliefLookahead(NETWORK, BeliefSettings(worlds=32, styles=styles)).consider(
            state, stream(1, "a"), prior
        )
        for styles in (0.0, 0.3, 0.9)
    ]
    assert found[0].unlike == 0.0
    assert 0.0 < found[1].unlike < found[2].unlike < 1.0
    for seen in found:
        step = 32.0 + (256.0 - 32.0) * seen.unlike
        assert seen.score == pytest.approx(np.log(seen.prior) + step * seen.value)


def ends_by(player: str | None, count: int) -> np.ndarray:
    """Return the ends of rounds in which all seats play by a style, or as the network does."""
    agent = StyleAgent(player) if player else NetworkAgent(small_network(1).parts, 1, CPU)
    return ends_of_rounds([agent] * 4, 5, count)


def test_earlier_rounds_tell_who_holds_the_seats():
    state, prior = RandomRound(9, 4, 5).choices[0], np.full(18, 1 / 2, np.float32)
    lookahead = BeliefLookahead(NETWORK, BeliefSettings(worlds=16, styles=0.3))
    unlike = {
        player: lookahead.consider(state, stream(1, "a"), prior, ends_by(player, 4)).unlike
        for player in ("sandbagger", "ducker", None)
    }
    assert unlike["sandbagger"] > 0.9
    assert unlike["ducker"] > 0.9
    assert unlike[None] < 0.3
    # Each decision starts from its own game alone.
    assert lookahead.consider(state, stream(1, "a"), prior).unlike == pytest.approx(0.3)


def test_without_styles_earlier_rounds_change_nothing():
    states = RandomRound(4, 4, 5).choices
    streams = np.stack([stream(4, "a", row) for row in range(len(states))])
    ends = [ends_by("sandbagger", 3)] * len(states)
    chosen = agent().choose_after(states, streams.copy(), ends)
    assert chosen.tolist() == agent().choose(states, streams.copy()).tolist()


def test_it_takes_the_bid_that_pays_most_in_a_round_that_holds_no_secret():
    # The last of three seats sees both bids; the aces of trumps takes its trick in every world.
    for seed in range(200):
        state = RandomRound(seed, 3, 1, trump=0).states[2]
        if int(state[HANDS + int(state[SEAT])]) == 1 << 12 and len(legal_of(state)) == 2:
            settings_ = BeliefSettings(worlds=8, rollouts=True)
            assert agent(settings_).choose(state[None], stream(1, "a")[None])[0] == 53
            return
    raise AssertionError("no such deal among the seeds")


def test_the_player_of_a_network_that_sees_games_plays_them_for_the_win():
    parts = small_network(1, sees_games=True).parts
    states = np.concatenate([RandomRound(seed, 4, 4).choices for seed in range(4)])
    states[:, LONGEST], states[:, ROUNDS_LEFT] = 4, 0
    states[:, SCORES : SCORES + 4] = (0, 12, 25, 26)
    streams = np.stack([stream(4, "a", row) for row in range(len(states))])
    evaluator = NetworkEvaluator(parts, ROWS, CPU)
    for_win, for_points = (
        BeliefAgent(evaluator, FEW, for_win=wins).choose(states, streams.copy()).tolist()
        for wins in (True, False)
    )
    assert for_win != for_points
    player = belief_player(parts, FEW, CPU)(1)
    assert player.choose(states, streams.copy()).tolist() == for_win


class AsksAfterAllBids(UniformEvaluator):
    """Fails if it is asked for the chances of a round in which a seat has yet to bid."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def chances(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked += len(states)
        for state in states:
            assert (state[BIDS : BIDS + state[PLAYERS]] >= 0).all()
        return super().chances(states)

    def standings(self, states: np.ndarray) -> np.ndarray:
        return np.full((len(states), MAX_PLAYERS), 0.25, np.float32)


def test_for_the_win_every_seat_has_bid_before_the_critic_is_asked():
    states = RandomRound(2, 4, 4).states[:3]
    states[:, LONGEST], states[:, ROUNDS_LEFT] = 4, 0
    evaluator = AsksAfterAllBids()
    player = BeliefAgent(evaluator, FEW, for_win=True)
    player.choose(states, np.stack([stream(4, "a", row) for row in range(len(states))]))
    assert evaluator.asked > 50


def test_rollouts_and_critic_play_whole_rounds():
    deals = deals_of(4, 3, 4)
    for rollouts in (False, True):
        player = agent(BeliefSettings(worlds=8, rollouts=rollouts))
        results = play([player, small_network_player(1, 64)], [0, 1, 1, 1], deals)
        assert results.points.shape == (4, 4, 4)
        assert (results.points.sum(axis=(1, 2)) > 0).any()
