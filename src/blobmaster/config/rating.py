"""`[rating]`: the matches that rate a network, and gating."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from blobmaster.config.flag import Flag

MOST_DEALS: Final = 1_000_000
"""Most deals of a match. A deal's results take up to 1 KiB, and a million deals tell a lead to a
hundredth of a point."""


class RatingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The matches that rate the network every fifth iteration."""

    deals: Annotated[int, Meta(ge=10, le=MOST_DEALS)] = 600
    """Deals of each match in phase 1. Each deal is played once with every rotation of the seats."""

    players: Annotated[int, Meta(ge=3, le=8)] = 4
    """Seats at the table."""

    cards: Annotated[int, Meta(ge=1, le=17)] = 5
    """Cards dealt to each player; in phase 2, those of the first round of a game."""

    deals_per_block: Annotated[int, Meta(ge=1, le=65536)] = 100
    """Deals that one worker plays side by side in phase 1."""

    games: Annotated[int, Meta(ge=10, le=MOST_DEALS)] = 100
    """Games of each match in phase 2. Each is played once with every rotation of the seats."""

    games_per_block: Annotated[int, Meta(ge=1, le=4096)] = 20
    """Games that one worker plays side by side in phase 2."""

    earlier: Annotated[int, Meta(ge=0, le=20)] = 3
    """Past opponents: earlier rated checkpoints that the network also plays against."""

    doubling_deals: Annotated[int, Meta(ge=0, le=MOST_DEALS)] = 1000
    """Deals of the match against copies of the run's own network at half of the rounds, which
    measures the gain over the last doubling; 0 leaves the match out. In phase 2, a tenth of it
    are games."""

    bootstrap: Annotated[int, Meta(ge=20, le=10_000)] = 200
    """Bootstrap resamples of the deals behind each confidence interval."""

    gating_threshold: Annotated[
        float, Meta(ge=0, le=1), Flag("--gating-threshold", aliases=("--promotion-threshold",))
    ] = 0.0
    """Let a rated network play self-play only if it is ahead in this share of deals; equal networks
    are at 0.5, and 0 turns gating off. Without gating the newest network always plays self-play,
    and no gating match is played."""

    def __post_init__(self) -> None:
        if self.players * self.cards > 52:
            raise ValueError(
                f"rating: {self.players} players × {self.cards} cards need more than 52 cards: "
                "lower rating.players or rating.cards"
            )
