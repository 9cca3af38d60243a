"""Names of cards, and bit masks of sets of cards."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from blobmaster.game.cards import RANK_SYMBOLS, RANKS, SUIT_RANKS, SUIT_SYMBOLS, SUITS

SUIT_MASKS = np.array([SUIT_RANKS << (RANKS * suit) for suit in range(SUITS)], dtype=np.int64)
"""`[4]`: mask of the cards of each suit."""


def card_name(card: int) -> str:
    """Return a card as rank and suit, such as `T♥`."""
    return RANK_SYMBOLS[card % RANKS] + SUIT_SYMBOLS[card // RANKS]


def mask_of(cards: Iterable[int]) -> int:
    """Return the bit mask of a set of cards."""
    mask = 0
    for card in cards:
        mask |= 1 << int(card)
    return mask
