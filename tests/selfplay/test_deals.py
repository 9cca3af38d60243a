"""Dealing: rounds in exactly the documented shares, and fair cards."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from blobmaster.config.rounds import RoundMix
from blobmaster.game.cards import CARDS
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.deals import deal, round_shares

DOCUMENTED = {  # players: (share, {most cards: share})
    4: (Fraction(15, 100), {7: Fraction(60, 100), 8: Fraction(40, 100)}),
    5: (Fraction(70, 100), {7: Fraction(1)}),
    6: (Fraction(15, 100), {7: Fraction(1)}),
}


def expected_shares() -> dict[tuple[int, int], Fraction]:
    """Return the share of each (players, cards): c cards bring c + 1 decisions per player."""
    shares: Counter[tuple[int, int]] = Counter()
    for players, (player_share, longest) in DOCUMENTED.items():
        for most, most_share in longest.items():
            decisions = {cards: players * (cards + 1) for cards in range(1, most + 1)}
            for cards, weight in decisions.items():
                part = Fraction(weight, sum(decisions.values()))
                shares[players, cards] += player_share * most_share * part
    return shares


def shares_of(mix: RoundMix) -> dict[tuple[int, int], float]:
    pairs, shares = round_shares(mix)
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)
    return {tuple(pair): share for pair, share in zip(pairs.tolist(), shares, strict=True)}


def test_the_default_mix_has_exactly_the_documented_shares():
    expected = expected_shares()
    assert sum(expected.values()) == 1
    assert expected[4, 8] == Fraction(15, 100) * Fraction(40, 100) * Fraction(9, 44)
    found = shares_of(RoundMix())
    assert found.keys() == expected.keys()
    for pair, share in expected.items():
        assert found[pair] == pytest.approx(float(share), rel=1e-12)


def test_with_longest_only_every_round_is_the_longest():
    mix = RoundMix(longest_only=True)
    expected = {(4, 7): 0.09, (4, 8): 0.06, (5, 7): 0.7, (6, 7): 0.15}
    assert shares_of(mix) == pytest.approx(expected)


def test_deals_come_in_the_mixs_shares_with_fair_cards():
    rounds = 60_000
    deals = deal(RoundMix(), rounds, generator(1, "deals"))
    expected = expected_shares()
    counts = Counter(map(tuple, deals.plan[:, :2].tolist()))
    found = [counts[pair] for pair in expected]
    assert sum(found) == len(deals) == rounds
    assert chisquare(found, [rounds * float(share) for share in expected.values()]).pvalue > 1e-3
    assert chisquare(np.bincount(deals.plan[:, 2], minlength=5)).pvalue > 1e-3
    for players in (4, 5, 6):
        dealers = deals.plan[deals.plan[:, 0] == players, 3]
        assert chisquare(np.bincount(dealers, minlength=players)).pvalue > 1e-3
        assert dealers.max() == players - 1
    assert (np.sort(deals.deck, axis=1) == np.arange(CARDS)).all()
    for place in (0, 7, 51):
        assert chisquare(np.bincount(deals.deck[:, place], minlength=CARDS)).pvalue > 1e-3
    assert len(np.unique(deals.deck, axis=0)) == len(np.unique(deals.streams)) == rounds


def test_deals_follow_from_the_generator_alone():
    first, again, other = (deal(RoundMix(), 50, generator(1, "deals", n)) for n in (0, 0, 1))
    for name in ("plan", "deck", "streams"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"players": {4: 0.5}}, "players"),
        ({"players": {4: 1.5, 5: -0.5}}, "players"),
        ({"players": {4: float("nan")}}, "players"),
        ({"players": {}}, "players"),
        ({"players": {2: 1.0}}, "3 to 8 players, not 2"),
        ({"players": {9: 1.0}}, "3 to 8 players, not 9"),
        ({"players": {3: 1.0}}, "how many cards 3 players get"),
        ({"most_cards": {4: {14: 1.0}, 5: {7: 1.0}, 6: {7: 1.0}}}, "4 players × 14 cards"),
        ({"most_cards": {4: {0: 1.0}, 5: {7: 1.0}, 6: {7: 1.0}}}, "4 players × 0 cards"),
        ({"most_cards": {4: {7: 0.9}, 5: {7: 1.0}, 6: {7: 1.0}}}, "most_cards.4"),
    ],
)
def test_a_mix_that_cannot_be_dealt_is_refused_in_one_line(settings, word):
    with pytest.raises(ValueError) as caught:
        RoundMix(**settings)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
