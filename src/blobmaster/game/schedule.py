"""The schedule of a game: cards dealt, trump and dealer of each round."""

from __future__ import annotations

from dataclasses import dataclass

from blobmaster.game.cards import NO_TRUMP
from blobmaster.game.rules import check_round

TRUMP_CYCLE = (0, 1, 2, 3, NO_TRUMP)
"""Spades, hearts, clubs, diamonds, no trump, and from the start again."""


@dataclass(frozen=True, kw_only=True)
class RoundPlan:
    """A round before its cards are dealt."""

    cards: int
    trump: int
    dealer: int


def round_count(players: int, most_cards: int) -> int:
    """Return the number of rounds of such a game."""
    return 2 * (most_cards - 1) + players


def game_rounds(players: int, most_cards: int, first_dealer: int = 0) -> tuple[RoundPlan, ...]:
    """Return the rounds of one game, in order.

    The cards dealt go `c, c-1, .., 2`, then 1 once per player, then `2, .., c`. Trump follows
    `TRUMP_CYCLE` from spades. The deal moves to the left after each round.

    Raises:
        ValueError: `players` or `most_cards` is out of the game's range.
    """
    check_round(players, most_cards, 0, first_dealer)
    down = list(range(most_cards, 1, -1))
    # As many one-card rounds as players, so that each of them deals one.
    sizes = [*down, *[1] * players, *reversed(down)]
    return tuple(
        RoundPlan(
            cards=cards,
            trump=TRUMP_CYCLE[i % len(TRUMP_CYCLE)],
            dealer=(first_dealer + i) % players,
        )
        for i, cards in enumerate(sizes)
    )
