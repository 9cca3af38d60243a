"""Tiny games: rounds of Blob with a deck so small that the whole game tree fits into memory.

The deck is a subset of the 52 cards; the rules are unchanged. A seat does not know which of the
deck's other cards each opponent holds and which were not dealt.
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
    """One round, dealt by the last seat. All deals of the deck are equally likely."""

    players: int
    cards: int
    """Cards dealt to each seat."""
    deck: tuple[int, ...]
    trump: int
    points: Callable[[int, int], float] = score
    """The score of (bid, tricks)."""

    def deals(self) -> npt.NDArray[np.int64]:
        """Return `[deals, players, cards]`: all deals, with hands as sets."""
        return np.array(list(_deals(self.deck, self.players, self.cards)), np.int64)

    def __str__(self) -> str:
        """Return a description such as `3 players, 2 cards each of 2×4, trump ♠`."""
        suits = len({card // RANKS for card in self.deck})
        trump = "no trump" if self.trump == NO_TRUMP else f"trump {SUIT_SYMBOLS[self.trump]}"
        cards = "1 card" if self.cards == 1 else f"{self.cards} cards"
        size = f"{suits}×{len(self.deck) // suits}"
        return f"{self.players} players, {cards} each of {size}, {trump}"


def _deals(deck: tuple[int, ...], players: int, cards: int) -> Iterator[list[tuple[int, ...]]]:
    if players == 0:
        yield []
        return
    # Combinations, not permutations: the order of cards in a hand means nothing, and each deal
    # would come up many times.
    for hand in combinations(deck, cards):
        rest = tuple(card for card in deck if card not in hand)
        for others in _deals(rest, players - 1, cards):
            yield [hand, *others]


def tiny_deck(suits: int, ranks: int) -> tuple[int, ...]:
    """Return the first `suits` suits with `ranks` ranks spread evenly from the two to the ace.

    A player trained on 52 cards then sees high and low cards, and not aces and kings only.
    """
    spread = np.linspace(0, RANKS - 1, ranks).round().astype(int).tolist()
    return tuple(RANKS * suit + rank for suit in range(suits) for rank in spread)


TINY_GAMES = tuple(
    TinyGame(players=3, cards=cards, deck=tiny_deck(suits, ranks), trump=trump)
    for suits, ranks, cards in ((1, 4, 1), (2, 3, 1), (2, 4, 1), (2, 4, 2))
    for trump in (0, NO_TRUMP)
)
"""The games for which `blobmaster ground-truth` computes NashConv."""

RECIPE_GAMES = tuple(
    TinyGame(players=players, cards=2, deck=tiny_deck(2, 4), trump=0) for players in (3, 4)
)
"""The games in which `blobmaster ground-truth --recipe` trains in tables."""
