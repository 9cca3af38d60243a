"""`[rounds]`: the distribution of players and cards in self-play."""

from __future__ import annotations

from typing import Self

import msgspec

TOLERANCE = 1e-9
"""Largest error of a sum of shares: decimals such as 0.15 are not exact in binary."""


class RoundMix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The distribution of players and cards in self-play.

    A round's number of players is drawn from `players`, the longest round of its game from
    `most_cards`, and its own number of cards from those of that game (`most_cards` down to 1), each
    weighted by the decisions that such a round has.
    """

    players: dict[int, float] = msgspec.field(default_factory=lambda: {4: 0.15, 5: 0.70, 6: 0.15})
    """Share of rounds or games by number of players, 3 to 8. The shares sum to 1."""

    most_cards: dict[int, dict[int, float]] = msgspec.field(
        default_factory=lambda: {4: {7: 0.6, 8: 0.4}, 5: {7: 1.0}, 6: {7: 1.0}}
    )
    """By number of players, the share of games by the number of cards of their longest round. The
    shares of each number of players sum to 1."""

    longest_only: bool = False
    """Play only the longest round of each game."""

    @classmethod
    def of_size(cls, players: int, cards: int) -> Self:
        """Return the distribution in which every round has these players and cards."""
        return cls(players={players: 1.0}, most_cards={players: {cards: 1.0}}, longest_only=True)

    def __post_init__(self) -> None:
        _check_shares("players", self.players)
        for players in self.players:
            if not 3 <= players <= 8:
                raise ValueError(f"rounds.players: Blob is for 3 to 8 players, not {players}")
            if players not in self.most_cards:
                raise ValueError(
                    f"rounds.most_cards: add how many cards {players} players get, or take "
                    f"{players} out of rounds.players"
                )
        for players, sizes in self.most_cards.items():
            _check_shares(f"most_cards.{players}", sizes)
            for cards in sizes:
                if cards < 1 or players * cards > 52:
                    raise ValueError(
                        f"rounds.most_cards: {players} players × {cards} cards cannot be dealt "
                        f"from 52 cards; {players} players can get 1 to {52 // max(players, 1)}"
                    )


def _check_shares(name: str, shares: dict[int, float]) -> None:
    # `not a <= b` instead of `a > b`: every comparison with NaN is false, and NaN must not pass.
    if not shares or min(shares.values()) < 0 or not abs(sum(shares.values()) - 1) <= TOLERANCE:
        raise ValueError(f"rounds.{name}: shares must be 0 or more and sum to 1, not {shares}")
