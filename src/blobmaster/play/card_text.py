"""Cards as text: `Q♥`, `10♥`, or `QH` on a terminal without suit symbols."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blobmaster.game.cards import NO_TRUMP, RANK_SYMBOLS, RANKS

SUIT_NAMES: Final = ("spades", "hearts", "clubs", "diamonds")
SUIT_LETTERS: Final = "SHCD"

_RANKS: Final = {symbol: rank for rank, symbol in enumerate(RANK_SYMBOLS)} | {"10": 8}
_SUITS: Final = {
    sign: suit for symbols in ("SHCD", "♠♥♣♦", "♤♡♧♢") for suit, sign in enumerate(symbols)
}
# Some keyboards add a variation selector (U+FE0F, "draw as an emoji") after a suit symbol.
_CARD: Final = re.compile(rf"(10|[{RANK_SYMBOLS}])\s*([{''.join(_SUITS)}])\ufe0f?")


@dataclass(frozen=True)
class Symbols:
    """The symbols that a terminal can show."""

    suits: str
    """One per suit, in the order of `SUIT_NAMES`."""
    rule: str
    """The character of horizontal lines."""
    times: str
    """The sign between worlds and simulations."""

    def card(self, card: int) -> str:
        """Return a card's text, such as `10♥`."""
        rank = RANK_SYMBOLS[card % RANKS]
        return ("10" if rank == "T" else rank) + self.suits[card // RANKS]

    def cards(self, cards: Iterable[int], last: str = " ") -> str:
        """Join cards into a list: `2♠, 9♠ or K♠` if `last` is ` or `."""
        *before, final = [self.card(card) for card in cards]
        return f"{', '.join(before)}{last}{final}" if before else final

    def trump(self, trump: int) -> str:
        """Return `trump hearts ♥` or `no trump`."""
        if trump == NO_TRUMP:
            return "no trump"
        name, sign = SUIT_NAMES[trump], self.suits[trump]
        return f"trump {name}" if sign == SUIT_LETTERS[trump] else f"trump {name} {sign}"


UNICODE: Final = Symbols(suits="♠♥♣♦", rule="─", times="×")
ASCII: Final = Symbols(suits=SUIT_LETTERS, rule="-", times="x")


def read_card(text: str) -> int | None:
    """Parse a card in any form, `QH`, `q♥`, `10h` or `th`; return None if it is not a card."""
    found = _CARD.fullmatch(text.strip().upper())
    if found is None:
        return None
    return RANKS * _SUITS[found[2]] + _RANKS[found[1]]
