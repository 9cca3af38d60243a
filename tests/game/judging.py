"""Converts between the package's numbers and the oracle's objects."""

from __future__ import annotations

import numpy as np
from oracle import RANKS, SUITS, Card, OracleRound

from blobmaster.game.cards import NO_TRUMP


def to_card(number: int) -> Card:
    return Card(SUITS[number // 13], RANKS[number % 13])


def to_number(card: Card) -> int:
    return 13 * SUITS.index(card.suit) + RANKS.index(card.rank)


def oracle_of(players: int, cards: int, trump: int, dealer: int, deck: np.ndarray) -> OracleRound:
    """Return the oracle's round in which seat s got `deck[s * cards : (s + 1) * cards]`."""
    hands = deck[: players * cards].reshape(players, cards).tolist()
    return OracleRound(
        [{to_card(card) for card in hand} for hand in hands],
        None if trump == NO_TRUMP else SUITS[trump],
        dealer,
    )
