"""Tiny games: rounds of Blob from so small a deck that every deal and every line can be listed.

The deck is a part of the 52 cards, which the rules need not know. What a seat cannot see is which
of the deck's other cards the others hold, and which stay undealt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import NO_TRUMP, RANKS, SUIT_SYMBOLS
from blobmaster.game.scoring import score


@dataclass(frozen=True, kw_only=True)
class TinyGame:
    """One round, the last seat its dealer. The deck's deals are equally likely."""

    players: int
    cards: int
    """Cards dealt to each seat."""
    deck: tuple[int, ...]
    trump: int
    points: Callable[[int, int], float] = score
    """What a seat gets for its bid and the tricks that it took."""

    def deals(self) -> npt.NDArray[np.int64]:
        """`[deals, players, cards]`: all deals; a hand is a set, so its order makes no other."""
        return np.array(list(_deals(self.deck, self.players, self.cards)), np.int64)

    def __str__(self) -> str:
        """The game in words, such as `3 players, 2 cards each of 2×4, trump ♠`."""
        suits = len({card // RANKS for card in self.deck})
        trump = "no trump" if self.trump == NO_TRUMP else f"trump {SUIT_SYMBOLS[self.trump]}"
        cards = "1 card" if self.cards == 1 else f"{self.cards} cards"
        size = f"{suits}×{len(self.deck) // suits}"
        return f"{self.players} players, {cards} each of {size}, {trump}"


def _deals(deck: tuple[int, ...], players: int, cards: int) -> Iterator[list[tuple[int, ...]]]:
    if players == 0:
        yield []
        return
    for hand in combinations(deck, cards):
        rest = tuple(card for card in deck if card not in hand)
        for others in _deals(rest, players - 1, cards):
            yield [hand, *others]


def tiny_deck(suits: int, ranks: int) -> tuple[int, ...]:
    """The first `suits` suits, each with `ranks` ranks spread evenly from the two to the ace.

    A player that learned with 52 cards is to see high and low cards in it, not aces and kings.
    """
    spread = np.linspace(0, RANKS - 1, ranks).round().astype(int).tolist()
    return tuple(RANKS * suit + rank for suit in range(suits) for rank in spread)


TINY_GAMES = tuple(
    TinyGame(players=3, cards=cards, deck=tiny_deck(suits, ranks), trump=trump)
    for suits, ranks, cards in ((1, 4, 1), (2, 3, 1), (2, 4, 1), (2, 4, 2))
    for trump in (0, NO_TRUMP)
)
"""Those that a player is held against."""
