"""`[rounds]`: which rounds are dealt."""

from __future__ import annotations

import msgspec

TOLERANCE = 1e-9
"""Allowed error of a sum of shares written as decimals."""


class RoundMix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rounds are played: how many players, and how many cards.

    A round's players are drawn by `players`, the longest round of its game by `most_cards`, and
    then its cards from those of a game (`most_cards` down to 1), each count weighted by the
    decisions that it brings; with `longest_only`, it is always the longest.
    """

    players: dict[int, float] = msgspec.field(default_factory=lambda: {4: 0.15, 5: 0.70, 6: 0.15})
    most_cards: dict[int, dict[int, float]] = msgspec.field(
        default_factory=lambda: {4: {7: 0.6, 8: 0.4}, 5: {7: 1.0}, 6: {7: 1.0}}
    )
    longest_only: bool = False

    def __post_init__(self) -> None:
        _check_shares("players", self.players)
        for players in self.players:
            if not 3 <= players <= 8:
                raise ValueError(f"rounds.players: Blob is for 3 to 8 players, not {players}")
            if players not in self.most_cards:
                raise ValueError(f"rounds.most_cards: say how many cards {players} players get")
        for players, sizes in self.most_cards.items():
            _check_shares(f"most_cards.{players}", sizes)
            for cards in sizes:
                if cards < 1 or players * cards > 52:
                    raise ValueError(
                        f"rounds.most_cards: {players} players × {cards} cards do not come out of "
                        f"52 cards; {players} players can get 1 to {52 // max(players, 1)}"
                    )


def _check_shares(name: str, shares: dict[int, float]) -> None:
    # "Within", not "not beyond": a share that is no number is neither.
    if not shares or min(shares.values()) < 0 or not abs(sum(shares.values()) - 1) <= TOLERANCE:
        raise ValueError(f"rounds.{name}: shares are not negative and sum to 1, not {shares}")
