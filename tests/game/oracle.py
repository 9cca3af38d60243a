"""A second, slow and simple implementation of the rules, to test the kernels against.

It shares no code with the package: cards are (suit, rank) pairs, a round is its deal and the
history of its actions, and everything else is computed anew from that history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

SUITS = "♠♥♣♦"
RANKS = "23456789TJQKA"


class Card(NamedTuple):
    suit: str
    rank: str


class Play(NamedTuple):
    seat: int
    card: Card


def trick_winner(trick: list[Play], trump: str | None) -> int:
    """Return the seat that takes a complete trick: by the highest trump, else the led suit."""
    led = trick[0].card.suit
    strongest = [play for play in trick if play.card.suit == trump]
    if not strongest:
        strongest = [play for play in trick if play.card.suit == led]
    return max(strongest, key=lambda play: RANKS.index(play.card.rank)).seat


@dataclass
class OracleRound:
    """A round: `hands` as dealt, `trump` a suit or None, and the actions so far."""

    hands: list[set[Card]]
    trump: str | None
    dealer: int
    bids: dict[int, int] = field(default_factory=dict)
    plays: list[Play] = field(default_factory=list)

    @property
    def players(self) -> int:
        return len(self.hands)

    @property
    def cards(self) -> int:
        return len(self.hands[0])

    def seats_from(self, seat: int) -> list[int]:
        return [(seat + i) % self.players for i in range(self.players)]

    def tricks(self) -> list[list[Play]]:
        """Return the plays by trick; the last trick may be incomplete."""
        n = self.players
        return [self.plays[i : i + n] for i in range(0, len(self.plays), n)]

    def winners(self) -> list[int]:
        """Return the seat that took each complete trick."""
        complete = [trick for trick in self.tricks() if len(trick) == self.players]
        return [trick_winner(trick, self.trump) for trick in complete]

    def table(self) -> list[Play]:
        """Return the plays of the incomplete trick."""
        last = self.tricks()[-1] if self.plays else []
        return last if len(last) < self.players else []

    def leader(self) -> int:
        """Return the seat that led or will lead the current trick."""
        return self.winners()[-1] if self.winners() else (self.dealer + 1) % self.players

    def to_act(self) -> int:
        if len(self.bids) < self.players:
            return self.seats_from(self.dealer + 1)[len(self.bids)]
        return self.seats_from(self.leader())[len(self.table())]

    def over(self) -> bool:
        return len(self.plays) == self.players * self.cards

    def held(self, seat: int) -> set[Card]:
        return self.hands[seat] - {play.card for play in self.plays}

    def legal_bids(self) -> set[int]:
        bids = set(range(self.cards + 1))
        if self.to_act() == self.dealer:
            bids -= {self.cards - sum(self.bids.values())}
        return bids

    def legal_plays(self) -> set[Card]:
        hand = self.held(self.to_act())
        if not self.table():
            return hand
        following = {card for card in hand if card.suit == self.table()[0].card.suit}
        return following or hand

    def bid(self, number: int) -> None:
        assert number in self.legal_bids()
        self.bids[self.to_act()] = number

    def play(self, card: Card) -> None:
        assert card in self.legal_plays()
        self.plays.append(Play(self.to_act(), card))

    def tricks_taken(self) -> list[int]:
        winners = self.winners()
        return [winners.count(seat) for seat in range(self.players)]

    def shown_voids(self, seat: int) -> set[str]:
        """Return the suits that `seat` was once unable to follow."""
        return {
            trick[0].card.suit
            for trick in self.tricks()
            for play in trick
            if play.seat == seat and play.card.suit != trick[0].card.suit
        }

    def points(self) -> list[int]:
        taken = self.tricks_taken()
        return [
            10 + self.bids[seat] if taken[seat] == self.bids[seat] else 0
            for seat in range(self.players)
        ]
