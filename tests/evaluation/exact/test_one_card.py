"""The one-card round: exact sums against playing every deal, and its equilibrium."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from deciding import BoldEvaluator, HashedEvaluator, random_policy
from evaluators import UniformEvaluator
from hypothesis import given, settings
from hypothesis import strategies as st
from positions import legal_of, played

from blobmaster.evaluation.exact.best_response import gains as tree_gains
from blobmaster.evaluation.exact.bidding import one_card_gap, policies_of
from blobmaster.evaluation.exact.equilibrium import solve, solve_seat_by_seat
from blobmaster.evaluation.exact.one_card import (
    OneCardRound,
    bid_values,
    gains,
    legal_bids,
    uniform_policy,
)
from blobmaster.evaluation.exact.tiny_game import TinyGame, tiny_deck
from blobmaster.evaluation.exact.tree import grow, priors_of
from blobmaster.game.cards import CARDS, NO_TRUMP, RANKS, SUITS
from blobmaster.game.rules import BIDS, FIRST_BID, SEAT, is_bidding, new_round, play_forced
from blobmaster.game.scoring import points

DECKS = {
    "1×6": tiny_deck(1, 6),
    "2×3": tiny_deck(2, 3),
    "4×2": tiny_deck(4, 2),
    "uneven": (0, 5, 12, 14, 20, 30, 50),
}
SMALL = [
    (players, trump, name)
    for players, trump, name in [
        *((3, trump, name) for trump in (0, 1, NO_TRUMP) for name in DECKS),
        (4, 0, "4×2"),
        (4, NO_TRUMP, "uneven"),
        (5, 1, "2×3"),
        (6, 0, "1×6"),
    ]
]


@pytest.mark.parametrize(("players", "trump", "name"), SMALL)
def test_sums_over_hidden_cards_equal_playing_every_deal(players, trump, name):
    game = OneCardRound(players, trump, DECKS[name])
    evaluator = HashedEvaluator(1)
    tree = grow(TinyGame(players=players, cards=1, deck=DECKS[name], trump=trump))
    played_out = tree_gains(tree, priors_of(evaluator, tree))
    _, policy = policies_of(evaluator, game)
    np.testing.assert_allclose(gains(game, policy), played_out, rtol=1e-6)


@pytest.mark.parametrize(
    ("trump", "uniform", "values"),
    [
        (0, 12.217, [7.566, 9.242, 9.391, 4.023]),
        (NO_TRUMP, 12.215, [7.721, 8.987, 8.987, 2.067]),
    ],
)
def test_four_players_equilibrium_with_52_cards(trump, uniform, values):
    game = OneCardRound(4, trump)
    assert gains(game, uniform_policy(game)).nash_conv == pytest.approx(uniform, abs=5e-4)
    average = gains(game, solve(game, 100))
    assert average.nash_conv < 0.0035
    np.testing.assert_allclose(average.made, values, atol=3e-3)
    exact = gains(game, solve_seat_by_seat(game))
    assert exact.nash_conv == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(exact.made, values, atol=5e-4)


@pytest.mark.parametrize("players", [3, 5, 6])
@pytest.mark.parametrize("trump", [0, NO_TRUMP])
def test_cfr_and_seat_by_seat_solve_any_table(players, trump):
    game = OneCardRound(players, trump)
    average, exact = gains(game, solve(game, 50)), gains(game, solve_seat_by_seat(game))
    assert average.nash_conv < 0.05
    assert exact.nash_conv == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(average.made, exact.made, atol=0.02)


class PlainCfr:
    """Run CFR+ by recursion over every deal and bid sequence, with plain dicts."""

    def __init__(self, game: OneCardRound, iterations: int) -> None:
        self.game = game
        self.regrets: dict[tuple[object, ...], np.ndarray] = {}
        self.average: dict[tuple[object, ...], np.ndarray] = {}
        deals = list(permutations(game.deck, game.players))
        roots = [
            new_round(game.players, 1, game.trump, game.players - 1, np.array(deal)[:, None])
            for deal in deals
        ]
        for iteration in range(1, iterations + 1):
            found: dict[tuple[object, ...], np.ndarray] = {}
            seen: set[tuple[object, ...]] = set()
            for deal, root in zip(deals, roots, strict=True):
                self._walk(root, deal, (), np.ones(game.players), iteration, found, seen)
            for name, regret in found.items():
                self.regrets[name] = np.maximum(self.regrets.get(name, 0) + regret, 0)

    def shares(self, name, legal) -> np.ndarray:
        regret = self.regrets.get(name, np.zeros(2))
        return regret / regret.sum() if regret.sum() > 0 else legal / legal.sum()

    def _walk(self, state, deal, bids, reach, iteration, found, seen) -> np.ndarray:
        if not is_bidding(state):
            end = state.copy()
            play_forced(end)
            return np.array([points(end, seat) for seat in range(self.game.players)], float)
        seat = int(state[SEAT])
        name = (seat, deal[seat], bids)
        options = legal_of(state)
        legal = np.array([FIRST_BID + bid in options for bid in (0, 1)], float)
        shares = self.shares(name, legal)
        if name not in seen:
            seen.add(name)
            self.average[name] = self.average.get(name, 0) + iteration * shares
        values = np.zeros((2, self.game.players))
        for bid in np.flatnonzero(legal).tolist():
            child = reach.copy()
            child[seat] *= shares[bid]
            after = played(state, FIRST_BID + bid)
            values[bid] = self._walk(after, deal, (*bids, bid), child, iteration, found, seen)
        made = shares @ values
        others = np.delete(reach, seat).prod()
        regret = legal * others * (values[:, seat] - made[seat])
        found[name] = found.get(name, 0) + regret
        return made


def test_cfr_equals_plain_recursive_cfr():
    game = OneCardRound(3, 0, tiny_deck(2, 3))
    plain = PlainCfr(game, 6)
    average = solve(game, 6)
    for (seat, card, bids), shares in plain.average.items():
        history = int("".join(map(str, bids)) or "0", 2)
        node = 2**seat - 1 + history
        assert average[node, game.deck.index(card)] == pytest.approx(shares[1] / shares.sum())


@given(st.integers(0, 2**32), st.permutations(range(SUITS)), st.integers(0, NO_TRUMP))
@settings(max_examples=10)
def test_renaming_suits_and_trump_changes_nothing(seed, suits, trump):
    game = OneCardRound(4, trump)
    renamed = OneCardRound(4, trump if trump == NO_TRUMP else suits[trump])
    cards = np.array([RANKS * suits[card // RANKS] + card % RANKS for card in range(CARDS)])
    policy = random_policy(game, seed)
    moved = np.empty_like(policy)
    moved[:, cards] = policy
    np.testing.assert_allclose(gains(game, policy), gains(renamed, moved), rtol=1e-9)


@given(st.integers(0, 2**32), st.integers(3, 6), st.integers(0, NO_TRUMP))
@settings(max_examples=20)
def test_a_best_response_is_at_least_as_good_as_the_policy(seed, players, trump):
    game = OneCardRound(players, trump)
    policy = random_policy(game, seed)
    found = gains(game, policy)
    assert (found.best >= found.made - 1e-12).all()
    # Every information set's chance: one seat's add up to 1.
    values = bid_values(game, policy)
    chance = values[:, :, 0] / 10 + values[:, :, 1] / 11
    for seat in range(players):
        assert chance[game.nodes_of(seat)].sum() == pytest.approx(1)


def test_later_bids_do_not_change_a_seats_values():
    game = OneCardRound(4, 2)
    policy, other = random_policy(game, 1), random_policy(game, 2)
    for seat in range(4):
        nodes = game.nodes_of(seat)
        mixed = np.concatenate([policy[: nodes.start], other[nodes.start :]])
        values = bid_values(game, policy)[nodes], bid_values(game, mixed)[nodes]
        np.testing.assert_array_equal(*values)


def test_a_sole_best_response_never_leaves_the_dealer_a_forbidden_bid():
    for players in (3, 4, 5):
        legal = legal_bids(players)
        policy = solve_seat_by_seat(OneCardRound(players, 0))
        for bid in (0, 1):
            assert (policy[~legal[:, bid]] == 1 - bid).all()


def test_an_evaluator_gets_the_acting_seats_view_after_the_bids():
    evaluator = UniformEvaluator()
    likeliest, drawn = policies_of(evaluator, OneCardRound(4, 3))
    states = np.concatenate(evaluator.acted)
    assert len(states) == (1 + 2 + 4 + 4) * CARDS
    assert (np.bincount(states[:, SEAT]) == np.array([1, 2, 4, 4]) * CARDS).all()
    assert np.array_equal(drawn, uniform_policy(OneCardRound(4, 3)))
    # The first of equals is bid 0, so a likeliest 1 is one that was forced.
    assert (likeliest[np.flatnonzero(legal_bids(4).all(axis=1))] == 0).all()
    last = states[-1]
    assert last[BIDS : BIDS + 4].tolist() == [1, 1, 1, -1]


def test_a_policy_read_from_an_evaluator_equals_it_card_by_card():
    game = OneCardRound(4, 0)
    likeliest, drawn = policies_of(BoldEvaluator(), game)
    rank = np.arange(CARDS) % RANKS
    np.testing.assert_allclose(drawn[0], (1 + rank) / (RANKS + 1), rtol=1e-6)
    assert np.array_equal(likeliest[0], rank > 6)


def test_the_gap_of_equal_priors_is_that_of_the_uniform_policy():
    gap = one_card_gap(UniformEvaluator(), 4)
    by_trump = [gains(game, uniform_policy(game)).nash_conv for game in EVERY_TRUMP]
    assert gap.drawn == pytest.approx(np.mean(by_trump))


EVERY_TRUMP = [OneCardRound(4, trump) for trump in range(NO_TRUMP + 1)]
