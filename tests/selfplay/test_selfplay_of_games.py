"""Self-play of whole games: their records, and the values of their decisions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from positions import legal_of, played

from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import GREEDY, IN_GAME, Rounds, replay_out, replay_to, winners_of
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
    HISTORY,
    LONGEST,
    MAX_LEGAL,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    STATE,
    TRICKS,
    is_bidding,
    is_over,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_lookahead import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal_games
from blobmaster.selfplay.successors import max_children
from blobmaster.selfplay.win_values import MIN_STAKE

MIX = RoundMix(players={3: 0.4, 4: 0.6}, most_cards={3: {3: 1.0}, 4: {2: 0.5, 3: 0.5}})


def scrambled(states: np.ndarray) -> np.ndarray:
    """Return shares `[rows, 8]` that depend on every field of a state; each row sums to one."""
    factors = np.arange(1, STATE + 1) * 2654435761 % 9973
    mixed = (states * factors).sum(axis=1)[:, None] + np.arange(8)[None, :] * 7919
    mixed = 1 + (mixed * 48271 >> 5) % 997 * (np.arange(8)[None, :] < states[:, PLAYERS, None])
    return (mixed / mixed.sum(axis=1, keepdims=True)).astype(np.float32)


class PlainNetwork:
    """Priors that favour low actions; shares of the win that depend on every field."""

    def __init__(self) -> None:
        self.most_rows = 0

    def priors(self, states: np.ndarray) -> np.ndarray:
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            weights = 1.0 / (1 + np.arange(len(legal_of(state))) + int(state[BIDS]) % 3)
            priors[row, : len(weights)] = weights / weights.sum()
        return priors

    def chances(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bids, and probabilities that depend on every field until the round is over."""
        assert (states[:, LONGEST] > 0).all()
        self.most_rows = max(self.most_rows, len(states))
        playing = np.arange(8) < states[:, PLAYERS, None]
        bids = np.where(playing, states[:, BIDS : BIDS + 8], 0)
        assert (bids >= 0).all()  # self-play finishes the bidding first
        exact = (playing * scrambled(states) * 2.5).clip(0, 1)
        for row in np.flatnonzero([is_over(state) for state in states]):
            exact[row] = states[row, TRICKS : TRICKS + 8] == bids[row]
        return bids, exact

    def standings(self, states: np.ndarray) -> np.ndarray:
        """Return shares that depend only on what is known between two rounds."""
        known = np.zeros_like(states)
        for fields in (PLAYERS, LONGEST, ROUNDS_LEFT, DEALER, SEAT, slice(SCORES, HISTORY)):
            known[:, fields] = states[:, fields]
        shares = scrambled(known)
        for row in np.flatnonzero(states[:, ROUNDS_LEFT] < 0):
            scores = states[row, SCORES : SCORES + states[row, PLAYERS]]
            shares[row, : len(scores)] = [share_at_the_end(scores, n) for n in range(len(scores))]
        return shares


def some_games(count: int, **settings: float) -> Deals:
    draws = generator(3, "test games")
    plain = {"opponent_rounds": 0.0, "opponent_styles": 0.0, "greedy_rounds": 0.0}
    plain |= {"opponents_known": 0.0}
    chosen = SelfPlaySettings(**(plain | settings))
    return assign_players(deal_games(MIX, count, draws), chosen, draws)


def play(deals: Deals, **settings: float) -> Rounds:
    network = PlainNetwork()
    chosen = SelfPlaySettings(**({"lanes": 5} | settings))
    told: list[int] = []
    rounds = play_block(network, deals, chosen, should_stop=lambda: False, on_rounds=told.append)
    assert rounds is not None
    assert sum(told) == len(deals) == len(rounds)
    assert network.most_rows <= max_children(deals, min(chosen.lanes, deals.games))
    return rounds


def test_records_hold_scores_the_place_in_the_game_and_the_winners():
    deals = some_games(9, opponent_rounds=0.5, greedy_rounds=0.3)
    records = [record.astype(np.int64) for record in play(deals)]
    for first, end in zip(deals.starts[:-1], deals.starts[1:], strict=True):
        players = int(deals.plan[first, 0])
        scores = np.zeros(players, np.int64)
        for number in range(first, end):
            greedy = GREEDY if deals.greedy[number] else 0
            assert records[number][0] == IN_GAME + greedy + players
            state = np.empty(STATE, np.int64)
            replay_out(records[number], state)
            assert state[[PLAYERS, DEALT]].tolist() == deals.plan[number, :2].tolist()
            assert state[[LONGEST, ROUNDS_LEFT]].tolist() == deals.places[number].tolist()
            assert state[SCORES : SCORES + players].tolist() == scores.tolist()
            assert (state[SCORES + players : HISTORY] == 0).all()
            scores += [points(state, seat) for seat in range(players)]
        won = sum(1 << int(seat) for seat in np.flatnonzero(scores == scores.max()))
        assert {int(winners_of(record)) for record in records[first:end]} == {won}


@pytest.mark.parametrize("lanes", [1, 4, 64])
def test_the_number_of_lanes_changes_no_game(lanes):
    deals = some_games(7)
    expected = play(deals, lanes=3)
    assert [r.tolist() for r in play(deals, lanes=lanes)] == [r.tolist() for r in expected]


def after_forced(state: np.ndarray, action: int) -> np.ndarray:
    child = played(state, action)
    while not is_over(child):
        legal = legal_of(child)
        if len(legal) > 1 and not is_bidding(child):
            break
        # The other seats finish the bidding; in greedy rounds each takes its likeliest bid.
        priors = PlainNetwork().priors(child[None])[0, : len(legal)]
        child = played(child, legal[int(np.argmax(priors))])
    return child


def share_at_the_end(scores: np.ndarray, seat: int) -> float:
    return float(scores[seat] == scores.max()) / (scores == scores.max()).sum()


def told_between(state: np.ndarray, scores: np.ndarray, seat: int) -> float:
    """Return the seat's share of the win after the round, with these scores."""
    players = int(state[PLAYERS])
    if state[ROUNDS_LEFT] == 0:
        return share_at_the_end(scores, seat)
    later = state.copy()
    later[ROUNDS_LEFT] -= 1
    later[DEALER] = (state[DEALER] + 1) % players
    later[SCORES : SCORES + players] = scores
    return float(PlainNetwork().standings(later[None])[0, seat])


def value_of(state: np.ndarray, action: int) -> float:
    child, seat = after_forced(state, action), int(state[SEAT])
    players = int(state[PLAYERS])
    scores = state[SCORES : SCORES + players]
    if is_over(child):
        made = np.array([points(child, other) for other in range(players)])
        return told_between(state, scores + made, seat)
    bids, exact = (rows[0, :players] for rows in PlainNetwork().chances(child[None]))
    value = 0.0
    for pattern in itertools.product((False, True), repeat=players):
        chance = np.where(pattern, exact, 1 - exact).prod()
        value += chance * told_between(state, scores + np.where(pattern, 10 + bids, 0), seat)
    return value


def stake_of(state: np.ndarray) -> float:
    players, seat = int(state[PLAYERS]), int(state[SEAT])
    usual = 11 + int(state[DEALT]) // players
    best, worst = (state[SCORES : SCORES + players].copy() for _ in range(2))
    best[seat] += usual
    worst[np.arange(players) != seat] += usual
    stake = told_between(state, best, seat) - told_between(state, worst, seat)
    return max(stake, MIN_STAKE)


def test_the_policy_target_weighs_shares_of_the_win_by_the_stake_of_the_round():
    ends = lasts = bids = 0
    deals = some_games(8, greedy_rounds=0.5)
    rounds = play(deals)
    for record, decisions, greedy in zip(rounds, rounds.decisions, deals.greedy, strict=True):
        entries = record.astype(np.int64)
        for decision in range(decisions):
            state = np.empty(STATE, np.int64)
            offset = replay_to(entries, decision, state)
            if is_bidding(state) and not greedy:
                continue  # the bids after it are drawn
            bids += is_bidding(state)
            legal = legal_of(state)
            values = np.array([value_of(state, action) for action in legal]) / stake_of(state)
            weights = PlainNetwork().priors(state[None])[0, : len(legal)] * np.exp(
                SelfPlaySettings().policy_step * (values - values.max())
            )
            policy = entries[offset : offset + len(legal)] / 255
            assert policy == pytest.approx(weights / weights.sum(), abs=0.003)
            ended = any(is_over(after_forced(state, action)) for action in legal)
            ends += ended and state[ROUNDS_LEFT] > 0
            lasts += ended and state[ROUNDS_LEFT] == 0
    assert ends > 20
    assert lasts > 3
    assert bids > 20
