"""Whole games as sequences of rounds: sizes, trumps and dealers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blobmaster.game.cards import CARDS, MAX_PLAYERS, MIN_PLAYERS
from blobmaster.game.schedule import game_rounds, round_count


@pytest.mark.parametrize(
    ("players", "most_cards", "first_dealer", "sizes", "trumps", "dealers"),
    [
        (4, 1, 0, "1111", "♠♥♣♦", "0123"),
        (3, 2, 0, "21112", "♠♥♣♦-", "01201"),
        (3, 2, 2, "21112", "♠♥♣♦-", "20120"),
        (4, 5, 0, "543211112345", "♠♥♣♦-♠♥♣♦-♠♥", "012301230123"),
        (4, 7, 3, "7654321111234567", "♠♥♣♦-♠♥♣♦-♠♥♣♦-♠", "3012301230123012"),
        (8, 3, 7, "321111111123", "♠♥♣♦-♠♥♣♦-♠♥", "701234567012"),
    ],
)
def test_a_game_goes_down_to_one_card_and_up_again(
    players, most_cards, first_dealer, sizes, trumps, dealers
):
    plans = game_rounds(players, most_cards, first_dealer)
    assert "".join(str(plan.cards) for plan in plans) == sizes
    assert "".join("♠♥♣♦-"[plan.trump] for plan in plans) == trumps
    assert "".join(str(plan.dealer) for plan in plans) == dealers


@st.composite
def games(draw):
    players = draw(st.integers(MIN_PLAYERS, MAX_PLAYERS))
    most_cards = draw(st.integers(1, CARDS // players))
    return players, most_cards, draw(st.integers(0, players - 1))


@given(games())
def test_every_game_follows_the_schedules_laws(game):
    players, most_cards, first_dealer = game
    plans = game_rounds(*game)
    sizes = [plan.cards for plan in plans]
    assert len(sizes) == round_count(players, most_cards)
    assert sizes == sizes[::-1]
    assert sizes.count(1) == players
    assert all(sizes.count(cards) == 2 for cards in range(2, most_cards + 1))
    assert {abs(a - b) for a, b in itertools.pairwise(sizes)} <= {0, 1}
    assert plans[0].trump == 0
    assert plans[0].dealer == first_dealer
    for before, after in itertools.pairwise(plans):
        assert after.trump == (before.trump + 1) % 5
        assert after.dealer == (before.dealer + 1) % players


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 5), "Blob is for 3 to 8 players, not 2"),
        ((9, 5), "Blob is for 3 to 8 players, not 9"),
        ((4, 0), "4 players can get 1 to 13 cards each, not 0"),
        ((4, 14), "4 players can get 1 to 13 cards each, not 14"),
        ((3, 18), "3 players can get 1 to 17 cards each, not 18"),
        ((4, 5, 4), "the dealer is one of seats 0-3, not 4"),
        ((4, 5, -1), "the dealer is one of seats 0-3, not -1"),
    ],
)
def test_a_game_that_cannot_be_dealt_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError) as caught:
        game_rounds(*arguments)
    assert str(caught.value) == message
