"""Edges of the rules: the dealer's bid, the winner of a trick, points, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from card_sets import SUIT_MASKS, card_name, mask_of
from hypothesis import given
from hypothesis import strategies as st

from blobmaster.game.cards import CARDS, NO_TRUMP, RANK_SYMBOLS, SUIT_SYMBOLS, cards_in
from blobmaster.game.rules import (
    FIRST_BID,
    MAX_LEGAL,
    apply,
    beats,
    check_round,
    legal_actions,
    new_round,
    only_action,
)
from blobmaster.game.scoring import score

SPADES, HEARTS, CLUBS, DIAMONDS = range(4)


def card(name: str) -> int:
    """Return the number of a card such as `T♥`."""
    return 13 * SUIT_SYMBOLS.index(name[1]) + RANK_SYMBOLS.index(name[0])


def round_with_bids(cards: int, bids: list[int], players: int = 4) -> np.ndarray:
    """Return a round dealt by the last seat, in which the first seats have bid."""
    hands = np.arange(players * cards).reshape(players, cards)
    state = new_round(players, cards, SPADES, players - 1, hands)
    for bid in bids:
        apply(state, FIRST_BID + bid)
    return state


def legal_bids(state: np.ndarray) -> list[int]:
    options = np.empty(MAX_LEGAL, np.int64)
    return [int(action) - FIRST_BID for action in options[: legal_actions(state, options)]]


@pytest.mark.parametrize(
    ("cards", "bids", "dealer_may"),
    [
        (5, [1, 1, 1], [0, 1, 3, 4, 5]),
        (5, [0, 0, 0], [0, 1, 2, 3, 4]),
        (5, [5, 0, 0], [1, 2, 3, 4, 5]),
        (5, [5, 5, 5], [0, 1, 2, 3, 4, 5]),
        (5, [3, 3, 0], [0, 1, 2, 3, 4, 5]),
        (1, [0, 0, 0], [0]),
        (1, [0, 1, 0], [1]),
        (1, [1, 1, 0], [0, 1]),
    ],
)
def test_the_dealer_may_not_make_the_bids_add_up_to_the_cards(cards, bids, dealer_may):
    assert legal_bids(round_with_bids(cards, bids)) == dealer_may


def test_only_the_dealer_is_constrained():
    assert legal_bids(round_with_bids(2, [])) == [0, 1, 2]
    assert legal_bids(round_with_bids(2, [2])) == [0, 1, 2]
    assert legal_bids(round_with_bids(2, [2, 0])) == [0, 1, 2]


@pytest.mark.parametrize(("bids", "forced"), [([0, 0, 0], 0), ([0, 1, 0], 1), ([1, 1, 0], -1)])
def test_the_dealer_of_one_card_may_have_a_single_bid_left(bids, forced):
    expected = FIRST_BID + forced if forced >= 0 else -1
    assert only_action(round_with_bids(1, bids)) == expected


@pytest.mark.parametrize(
    ("later", "best", "trump", "takes_it"),
    [
        ("A♥", "K♥", SPADES, True),
        ("2♥", "3♥", SPADES, False),
        ("2♠", "A♥", SPADES, True),
        ("A♥", "2♠", SPADES, False),
        ("3♠", "2♠", SPADES, True),
        ("A♦", "2♥", SPADES, False),
        ("A♠", "2♥", NO_TRUMP, False),
        ("3♥", "2♥", NO_TRUMP, True),
        ("2♦", "A♠", DIAMONDS, True),
    ],
)
def test_a_card_takes_the_trick_by_suit_and_rank(later, best, trump, takes_it):
    assert bool(beats(card(later), card(best), trump)) is takes_it


@pytest.mark.parametrize(
    ("bid", "tricks", "points"), [(0, 0, 10), (3, 3, 13), (17, 17, 27), (1, 0, 0), (0, 1, 0)]
)
def test_an_exact_bid_scores_ten_plus_the_bid(bid, tricks, points):
    assert score(bid, tricks) == points


@given(st.sets(st.integers(0, CARDS - 1)))
def test_a_mask_holds_exactly_its_cards(cards):
    assert cards_in(mask_of(cards)) == sorted(cards)


def test_every_card_has_its_own_name_and_lies_in_one_suit():
    assert sorted(card(card_name(number)) for number in range(CARDS)) == list(range(CARDS))
    for number in range(CARDS):
        assert [bool(mask >> number & 1) for mask in SUIT_MASKS].index(True) == number // 13
    assert sum(SUIT_MASKS.tolist()) == (1 << CARDS) - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 5, 0, 0), "Blob is for 3 to 8 players, not 2"),
        ((9, 5, 0, 0), "Blob is for 3 to 8 players, not 9"),
        ((4, 0, 0, 0), "4 players can get 1 to 13 cards each, not 0"),
        ((4, 14, 0, 0), "4 players can get 1 to 13 cards each, not 14"),
        ((8, 7, 0, 0), "8 players can get 1 to 6 cards each, not 7"),
        ((4, 5, -1, 0), "trump is a suit 0-3 or 4 for none, not -1"),
        ((4, 5, 5, 0), "trump is a suit 0-3 or 4 for none, not 5"),
        ((4, 5, 0, 4), "the dealer is one of seats 0-3, not 4"),
        ((4, 5, 0, -1), "the dealer is one of seats 0-3, not -1"),
    ],
)
def test_a_round_that_cannot_be_dealt_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError) as caught:
        check_round(*arguments)
    assert str(caught.value) == message
    with pytest.raises(ValueError, match=message):
        new_round(*arguments, hands=[[0]])


@pytest.mark.parametrize(
    "hands",
    [
        [[0, 1], [2, 3]],
        [[0, 1], [2, 3], [4, 5], [6, 7]],
        [[0], [1], [2]],
        [[0, 1], [2, 3], [4, 4]],
        [[0, 1], [2, 3], [4, 52]],
        [[0, 1], [2, 3], [4, -1]],
        [0, 1, 2, 3, 4, 5],
        [[0.9, 1], [2, 3], [4, 5]],
        [[0, 1], [2, 3], [4]],
        [[0, 1], [2, 3], [4, 2**70]],
        [["0", "1"], ["2", "3"], ["4", "5"]],
        [[], [], []],
    ],
)
def test_invalid_hands_are_refused_in_one_line(hands):
    with pytest.raises(ValueError) as caught:
        new_round(3, 2, SPADES, 0, hands)
    assert "\n" not in str(caught.value)
