"""`[rating]`: how a network is rated."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class RatingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a network is rated, every 5th iteration."""

    deals: Annotated[int, Meta(ge=10)] = 600
    """Deals of each match; each is played once with every rotation of the seats."""

    players: Annotated[int, Meta(ge=3, le=8)] = 4
    cards: Annotated[int, Meta(ge=1, le=17)] = 5
    deals_per_block: Annotated[int, Meta(ge=1)] = 100
    games: Annotated[int, Meta(ge=10)] = 100
    """Games of each match in phase 2, in which a deal is a game from that many cards."""

    games_per_block: Annotated[int, Meta(ge=1)] = 20
    earlier: Annotated[int, Meta(ge=0, le=20)] = 3
    """Earlier rated checkpoints that a network is also matched against."""

    bootstrap: Annotated[int, Meta(ge=20)] = 200
    """Resamples of the deals behind each interval."""

    gating_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of deals in which a rated network must be ahead of the one that plays self-play, to
    play in its place; equals are at 0.5. With 0 the newest always plays, and no match is made."""

    def __post_init__(self) -> None:
        if self.players * self.cards > 52:
            raise ValueError(
                f"rating: {self.players} players × {self.cards} cards do not come out of 52 cards"
            )
