"""Cards as people write them: `Q♥`, `10♥`, and `QH` where a terminal has no suit signs."""

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
    sign: suit for signs in ("SHCD", "♠♥♣♦", "♤♡♧♢") for suit, sign in enumerate(signs)
}
# Some keyboards put a variation selector, which asks for a coloured picture, after a suit's sign.
_CARD: Final = re.compile(rf"(10|[{RANK_SYMBOLS}])\s*([{''.join(_SUITS)}])\ufe0f?")


@dataclass(frozen=True)
class Signs:
    """The characters that a terminal can show."""

    suits: str
    """One a suit, in the order of `SUIT_NAMES`."""
    rule: str
    """What a horizontal line is made of."""
    times: str
    """Between worlds and simulations."""

    def card(self, card: int) -> str:
        """`10♥`."""
        rank = RANK_SYMBOLS[card % RANKS]
        return ("10" if rank == "T" else rank) + self.suits[card // RANKS]

    def cards(self, cards: Iterable[int], last: str = " ") -> str:
        """Cards as a list: `2♠, 9♠ or K♠` where `last` is ` or `."""
        *before, final = [self.card(card) for card in cards]
        return f"{', '.join(before)}{last}{final}" if before else final

    def trump(self, trump: int) -> str:
        """`trump hearts ♥`, or `no trump`."""
        if trump == NO_TRUMP:
            return "no trump"
        name, sign = SUIT_NAMES[trump], self.suits[trump]
        return f"trump {name}" if sign == SUIT_LETTERS[trump] else f"trump {name} {sign}"


UNICODE: Final = Signs(suits="♠♥♣♦", rule="─", times="×")
ASCII: Final = Signs(suits=SUIT_LETTERS, rule="-", times="x")


def read_card(text: str) -> int | None:
    """The card that was written, in any of its forms: `QH`, `q♥`, `10h`, `th`; None for none."""
    found = _CARD.fullmatch(text.strip().upper())
    if found is None:
        return None
    return RANKS * _SUITS[found[2]] + _RANKS[found[1]]
