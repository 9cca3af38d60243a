"""Cards as numbers, and sets of cards as bit masks.

A card is `13 * suit + rank`: suits in the order of trump (spades, hearts, clubs, diamonds), ranks
from the two (0) to the ace (12). A set of cards is an int64 with bit `card` set. 52 bits fit below
the sign, and masks are never uint64: numba turns an operation of int64 and uint64 into float64.
"""

from __future__ import annotations

CARDS = 52
SUITS = 4
RANKS = 13
NO_TRUMP = 4
"""The trump number of a round without trump."""

SUIT_RANKS = (1 << RANKS) - 1
"""Mask of all ranks of a suit, at bit 0."""

MIN_PLAYERS = 3
MAX_PLAYERS = 8
MAX_CARDS = CARDS // MIN_PLAYERS
"""The most cards per seat in any round: 17, with three players."""

SUIT_SYMBOLS = "♠♥♣♦"
RANK_SYMBOLS = "23456789TJQKA"


def cards_in(mask: int) -> list[int]:
    """Return the cards in a bit mask, ascending."""
    return [card for card in range(CARDS) if mask >> card & 1]
