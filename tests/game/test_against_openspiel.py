"""The kernels and the oracle against OpenSpiel's `oh_hell`, move by move.

OpenSpiel's cards are `4 * rank + suit` with suits clubs, diamonds, spades, hearts; bids, seats and
the dealer are numbered as here. Chance chooses the number of tricks and the dealer, deals card by
card from seat 0, and turns up a card that makes trump. A round without trump is a deal from three
suits with a card of the fourth turned up. A missed bid returns minus the distance, so that
Blob's points are max(0, return).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyspiel
import pytest
from judging import oracle_of, to_card
from oracle import RANKS, SUITS, OracleRound
from traces import random_round

from blobmaster.game.cards import CARDS, NO_TRUMP
from blobmaster.game.rules import ACTION_COUNT, FIRST_BID, SEAT, TRICKS
from blobmaster.kernels.rng import stream

SPIEL_SUITS = [2, 3, 0, 1]  # spades, hearts, clubs, diamonds
TO_SPIEL = np.array(
    [4 * (card % 13) + SPIEL_SUITS[card // 13] for card in range(CARDS)]
    + list(range(FIRST_BID, ACTION_COUNT))
)


@cache
def spiel_game(players: int) -> pyspiel.Game:
    return pyspiel.load_game(
        "oh_hell", {"players": players, "off_bid_penalty": True, "points_per_trick": 1}
    )


def spiel_round(players, cards, dealer, deck, turned_up) -> pyspiel.State:
    """Return OpenSpiel's state after this deal."""
    state = spiel_game(players).new_initial_state()
    state.apply_action(cards)
    state.apply_action(dealer)
    for place in range(cards):
        for seat in range(players):
            state.apply_action(int(TO_SPIEL[deck[seat * cards + place]]))
    state.apply_action(int(TO_SPIEL[turned_up]))
    return state


def spiel_tricks(state: pyspiel.State) -> list[int]:
    lines = str(state).splitlines()
    line = next(line for line in lines if line.startswith("Tricks Won:"))
    return [int(word) for word in line.split(":")[1].split()]


def a_deal(rng: np.random.Generator, players: int, cards: int):
    """Return `(deck, turned up, trump)` as OpenSpiel can deal them; some rounds have no trump."""
    deck = rng.permutation(CARDS)
    if players * cards <= 39 and rng.random() < 0.3:
        missing = rng.integers(4)
        three_suits = deck[deck // 13 != missing]
        return three_suits, rng.choice(deck[deck // 13 == missing]), NO_TRUMP
    turned_up = deck[players * cards]
    return deck, turned_up, int(turned_up // 13)


def a_size(rng: np.random.Generator, players: int) -> int:
    """Return the cards per seat: half the rounds small, half of any size that leaves a card."""
    most = (CARDS - 1) // players
    return int(rng.integers(1, min(most, 4) + 1 if rng.random() < 0.5 else most + 1))


@pytest.mark.parametrize("batch", range(10))
def test_the_kernels_play_2000_random_rounds_as_openspiel_does(batch):
    rng = np.random.default_rng([20251113, batch])
    choices = stream(20251113, "against OpenSpiel", batch)
    for _ in range(2000):
        players = int(rng.integers(3, 8))
        cards, dealer = a_size(rng, players), int(rng.integers(players))
        deck, turned_up, trump = a_deal(rng, players, cards)
        trace = random_round(choices, players, cards, trump, dealer, deck)
        seats, actions = trace.states[:, SEAT].tolist(), TO_SPIEL[trace.actions].tolist()
        spiel = spiel_round(players, cards, dealer, deck, turned_up)
        for move, action in enumerate(actions):
            assert spiel.current_player() == seats[move]
            assert set(spiel.legal_actions()) == set(TO_SPIEL[trace.legal[move]].tolist())
            spiel.apply_action(action)
        assert spiel.is_terminal()
        assert trace.points == [max(0, value) for value in spiel.returns()]
        assert trace.states[-1, TRICKS : TRICKS + players].tolist() == spiel_tricks(spiel)


def oracle_action(oracle: OracleRound, action: int) -> None:
    if action >= FIRST_BID:
        oracle.bid(action - FIRST_BID)
    else:
        oracle.play(to_card(action))


def oracle_legal(oracle: OracleRound) -> set[int]:
    """Return the oracle's legal actions in OpenSpiel's numbers."""
    if len(oracle.bids) < oracle.players:
        return {FIRST_BID + bid for bid in oracle.legal_bids()}
    return {
        4 * RANKS.index(card.rank) + SPIEL_SUITS[SUITS.index(card.suit)]
        for card in oracle.legal_plays()
    }


def test_the_oracle_plays_1000_random_rounds_as_openspiel_does():
    rng = np.random.default_rng(20251114)
    from_spiel = np.argsort(TO_SPIEL).tolist()
    for _ in range(1000):
        players = int(rng.integers(3, 8))
        cards, dealer = a_size(rng, players), int(rng.integers(players))
        deck, turned_up, trump = a_deal(rng, players, cards)
        oracle = oracle_of(players, cards, trump, dealer, deck)
        spiel = spiel_round(players, cards, dealer, deck, turned_up)
        while not spiel.is_terminal():
            legal = spiel.legal_actions()
            assert spiel.current_player() == oracle.to_act()
            assert oracle_legal(oracle) == set(legal)
            action = legal[int(rng.integers(len(legal)))]
            spiel.apply_action(action)
            oracle_action(oracle, from_spiel[action])
        assert oracle.over()
        assert oracle.points() == [max(0, value) for value in spiel.returns()]
        assert oracle.tricks_taken() == spiel_tricks(spiel)
