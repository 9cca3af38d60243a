"""Self-play by lookahead: the played policy, the policy target, and random opponents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playing import decisions_of
from positions import exchange_hidden, legal_of, played
from scipy.stats import chisquare

from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import Rounds, is_greedy, replay_out
from blobmaster.game.rules import (
    ACTIONS,
    BIDS,
    DEALT,
    HANDS,
    MAX_LEGAL,
    OPPONENTS,
    PLAYERS,
    SEAT,
    STATE,
    is_over,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_lookahead import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal
from blobmaster.selfplay.successors import max_children

WIDE = RoundMix(
    players={3: 0.3, 4: 0.3, 8: 0.4}, most_cards={3: {17: 1.0}, 4: {5: 1.0}, 8: {6: 1.0}}
)


class PlainNetwork:
    """Priors that favour low actions and use public fields; values that use all hands."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def priors(self, states: np.ndarray) -> np.ndarray:
        self.asked.append((len(states), 0))
        priors = np.zeros((len(states), MAX_LEGAL), np.float32)
        for row, state in enumerate(states):
            weights = 1.0 / (1 + np.arange(len(legal_of(state))) + int(state[BIDS]) % 3)
            priors[row, : len(weights)] = weights / weights.sum()
        return priors

    def values(self, states: np.ndarray) -> np.ndarray:
        self.asked[-1] = (self.asked[-1][0], len(states))
        hands = states[:, HANDS : HANDS + MAX_PLAYERS]
        hands = hands + 3 * np.roll(hands, -1, axis=1) + 5 * np.roll(hands, 1, axis=1)
        hands *= 11 + states[:, BIDS : BIDS + MAX_PLAYERS].sum(axis=1, keepdims=True)
        return ((hands * 2654435761 >> 7) % 1000 / 1000).astype(np.float32)

    def evaluate(self, acting: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.priors(acting), self.values(judged)

    def passes(self, acts: int, judges: int) -> None:
        """Return None: this network has no plans."""


def never() -> bool:
    return False


PLAIN = {"opponent_rounds": 0.0, "opponent_styles": 0.0, "greedy_rounds": 0.0}
PLAIN |= {"opponents_known": 0.0}
"""Rounds of the network alone."""


def some_deals(rounds: int, mix: RoundMix = WIDE, **settings: float) -> Deals:
    draws = generator(7, "test lookahead")
    chosen = SelfPlaySettings(**(PLAIN | settings))
    return assign_players(deal(mix, rounds, draws), chosen, draws)


def play(deals: Deals, network: Any = None, **settings: float) -> Rounds:
    rounds = play_block(
        network or PlainNetwork(),
        deals,
        SelfPlaySettings(**({"lanes": 5} | settings)),
        should_stop=never,
        on_rounds=lambda _: None,
    )
    assert rounds is not None
    return rounds


def test_greedy_rounds_take_the_most_probable_action_and_keep_a_policy_to_learn():
    deals = some_deals(40)
    deals.greedy[::2] = True
    drawn = play(some_deals(40))
    rounds = play(deals)
    took = {True: [], False: []}
    for number, record in enumerate(rounds):
        assert is_greedy(record.astype(np.int64)) == deals.greedy[number]
        if not deals.greedy[number]:  # the others do not change
            assert record.tolist() == list(drawn)[number].tolist()
        alone = Rounds(record, np.array([0, len(record)]), rounds.decisions[number : number + 1])
        for state, policy, action in decisions_of(alone):
            prior = PlainNetwork().priors(state[None])[0]
            took[bool(deals.greedy[number])].append(action == legal_of(state)[prior.argmax()])
            assert policy.sum() > 0
    assert all(took[True])
    assert np.mean(took[False]) < 0.9


def plain_child(state: np.ndarray, action: int) -> np.ndarray:
    child = played(state, action)
    while not is_over(child) and len(legal_of(child)) == 1:
        child = played(child, legal_of(child)[0])
    return child


def plain_shares(state: np.ndarray, policy_step: float) -> list[float]:
    """Return `prior × exp(step × value)`, computed without the kernels."""
    prior = PlainNetwork().priors(state[None])[0]
    weights = []
    for edge, action in enumerate(legal_of(state)):
        child = plain_child(state, action)
        network = PlainNetwork()
        network.asked.append((0, 0))
        if is_over(child):
            value = points(child, state[SEAT]) / most_points(state[DEALT])
        else:
            value = network.values(child[None])[0, state[SEAT]]
        weights.append(prior[edge] * np.exp(policy_step * value))
    return (np.array(weights) / np.sum(weights)).tolist()


@pytest.mark.parametrize("policy_step", [0.5, 8.0])
def test_the_policy_target_moves_the_priors_towards_the_values_of_the_critic(policy_step):
    count = 0
    for state, policy, _ in decisions_of(play(some_deals(12), policy_step=policy_step)):
        expected = [255 * share for share in plain_shares(state, policy_step)]
        assert policy.tolist() == pytest.approx(expected, abs=0.51)
        count += 1
    assert count > 100


def test_an_action_that_ends_the_round_has_the_points_as_its_value():
    """In rounds of one card, an almost greedy policy target takes the best last bid."""
    mix = RoundMix(players={4: 1.0}, most_cards={4: {1: 1.0}})
    best = taken = 0
    for state, policy, _ in decisions_of(play(some_deals(200, mix), policy_step=1000.0)):
        ends = {a: plain_child(state, a) for a in legal_of(state)}
        if all(map(is_over, ends.values())):
            worth = [points(end, state[SEAT]) for end in ends.values()]
            best += 1
            taken += int(np.argmax(policy)) == int(np.argmax(worth))
    assert best > 100
    assert taken == best


def test_actions_are_drawn_from_the_priors_mixed_with_a_share_of_exploration():
    mix = RoundMix.of_size(3, 2)
    found = {}
    for explore in (0.0, 0.5):
        firsts = [
            legal_of(state).index(action)
            for state, _, action in decisions_of(play(some_deals(6000, mix), explore=explore))
            if state[ACTIONS] == 0
        ]
        found[explore] = np.bincount(firsts, minlength=3)
    weights = np.array([1 / 3, 1 / 4, 1 / 5])  # no bid yet: -1 % 3 is 2
    prior = weights / weights.sum()
    for explore, counts in found.items():
        expected = (1 - explore) * prior + explore / 3
        assert chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_no_action_depends_on_a_hidden_card():
    """Exchanged hidden cards change the policy target, never the action that is drawn."""
    deals = some_deals(1, RoundMix.of_size(4, 7))
    (state, policy, action), *_ = decisions_of(play(deals))
    others = []
    for seed in range(8):
        hands = exchange_hidden(state, state[SEAT], seed)[HANDS : HANDS + 4]
        deck = deals.deck[0].copy()
        cards = [[c for c in range(52) if int(hand) >> c & 1] for hand in hands]
        deck[:28] = np.concatenate(cards)
        deck[28:] = [c for c in range(52) if c not in set(deck[:28].tolist())]
        other = Deals(deals.plan, deck[None], deals.streams, deals.opponents, deals.greedy)
        (_, other_policy, other_action), *_ = decisions_of(play(other))
        assert other_action == action
        others.append(other_policy.tolist())
    assert any(other != policy.tolist() for other in others)


def test_random_opponents_choose_uniformly_and_leave_an_empty_policy():
    mix = RoundMix.of_size(4, 5)
    deals = some_deals(900, mix, opponent_rounds=0.5, opponent_seats=0.6)
    rounds = play(deals)
    assert [int(record[4]) for record in rounds] == deals.opponents.tolist()
    bids: dict[bool, list[int]] = {True: [], False: []}
    for state, policy, action in decisions_of(rounds):
        strange = bool(state[OPPONENTS] >> state[SEAT] & 1)
        assert policy.any() != strange
        if state[ACTIONS] == 0:
            bids[strange].append(legal_of(state).index(action))
    assert chisquare(np.bincount(bids[True], minlength=6)).pvalue > 1e-3
    assert chisquare(np.bincount(bids[False], minlength=6)).pvalue < 1e-3


def test_random_opponents_take_the_given_share_of_seats_and_never_all_of_a_round():
    deals = some_deals(20_000, opponent_rounds=0.3, opponent_seats=0.6)
    players = deals.plan[:, PLAYERS]
    assert (deals.opponents < (1 << players) - 1).all()
    seats = np.array([int(mask).bit_count() for mask in deals.opponents])
    for count in (3, 4, 8):
        of = players == count
        # One seat of a chosen round is kept; each other one is random with the given share.
        assert (seats[of] > 0).mean() == pytest.approx(0.3 * (1 - 0.4 ** (count - 1)), abs=0.03)
        assert seats[of].mean() == pytest.approx(0.3 * 0.6 * (count - 1), rel=0.1)
    assert not some_deals(50).opponents.any()


@pytest.mark.parametrize("lanes", [1, 3, 40, 1000])
def test_the_number_of_lanes_changes_no_round(lanes):
    deals = some_deals(25, opponent_rounds=0.5)
    assert play(deals, lanes=lanes).to_bytes() == play(deals, lanes=7).to_bytes()


def test_records_are_whole_rounds_of_the_deals_in_their_order():
    deals = some_deals(40, opponent_rounds=0.5)
    for record, (players, cards, trump, dealer), deck in zip(
        play(deals), deals.plan.tolist(), deals.deck, strict=True
    ):
        assert record[:4].tolist() == [players, cards, trump, dealer]
        assert record[5 : 5 + players * cards].tolist() == deck[: players * cards].tolist()
        end = np.empty(STATE, np.int64)
        replay_out(record.astype(np.int64), end)
        assert is_over(end)


def test_no_step_requests_more_rows_than_max_children():
    network = PlainNetwork()
    deals = some_deals(30)
    play(deals, network, lanes=6)
    assert max(rows for rows, _ in network.asked) <= 6
    most = max(children for _, children in network.asked)
    assert 6 * 3 < most <= max_children(deals, 6) == 6 * 18


@pytest.mark.parametrize("steps", [0, 1, 17])
def test_a_stopped_block_returns_none_and_stops_at_the_next_step(steps):
    network = PlainNetwork()
    found = play_block(
        network,
        some_deals(30),
        SelfPlaySettings(lanes=4),
        should_stop=lambda: len(network.asked) >= steps,
        on_rounds=lambda _: None,
    )
    assert found is None
    assert len(network.asked) == steps


def test_finished_rounds_are_reported_as_they_end():
    told: list[int] = []
    play_block(
        PlainNetwork(),
        some_deals(23),
        SelfPlaySettings(lanes=4),
        should_stop=never,
        on_rounds=told.append,
    )
    assert sum(told) == 23
    assert len(told) > 5
    assert min(told) > 0
