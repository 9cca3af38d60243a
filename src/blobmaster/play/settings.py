"""The settings of self-play and of ratings, checked where they are made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

TOLERANCE = 1e-9
"""Of the sum of shares written as decimals."""


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


class SelfPlaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is played an iteration, how it is cut into blocks, and how decisions are made."""

    decide_by: Literal["lookahead", "search"] = "lookahead"
    """Whether a decision is drawn from the network's policy, which the critic's look one action
    ahead improves; or from a determinized search, whose visits are the improved policy."""

    rounds: Annotated[int, Meta(ge=1)] = 2000
    """Rounds of an iteration without the curriculum."""

    rounds_per_block: Annotated[int, Meta(ge=1, le=65536)] = 128
    """A block is played by one worker; what is in flight when a run is killed is played again."""

    games: Annotated[int, Meta(ge=1)] = 200
    """Games of an iteration of phase 2 without the curriculum."""

    games_per_block: Annotated[int, Meta(ge=1, le=4096)] = 32
    """The same as `rounds_per_block`, in phase 2."""

    slots: Annotated[int, Meta(ge=1, le=65536)] = 128
    """Rounds or games that a block plays side by side: times the worlds, the network's batch."""

    policy_step: Annotated[float, Meta(gt=0, le=1000)] = 8.0
    """How far looking ahead moves a policy: by the exponential of this times the value."""

    explore: Annotated[float, Meta(ge=0, le=1)] = 0.02
    """With looking ahead, the share of decisions that any legal action may take."""

    full_share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """With search, the share of decisions that are searched in full and whose policies are learned.
    The others are searched cheaply, played and not learned (Wu 2019, "Accelerating self-play
    learning in Go": playout cap randomization)."""

    cheap_simulations: Annotated[int, Meta(ge=1, le=4096)] = 8
    """Simulations a world of a cheap search; as many as a full one has, where it has fewer."""

    end_settled: bool = False
    """Whether chance plays a round on once no seat's points can change; its choices, like those of
    strangers, are not learned."""

    stranger_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.3
    """Share of rounds or games in which some seats play at random, so that bad play is known."""

    stranger_seats: Annotated[float, Meta(ge=0, le=1)] = 0.6
    """Share of the seats of such a one."""

    earnest_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of rounds or games that are played as a rated network plays: no strangers, and every
    choice the likeliest. From them alone the actor learns how many tricks its own play takes."""

    bid_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """With search, a bid is drawn from visits to the power of 1 over this; 0 takes the most."""

    play_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """The same for a round's first card; it falls in a line to `last_temperature`."""

    last_temperature: Annotated[float, Meta(ge=0, le=10)] = 0.25
    """The temperature at a round's last card."""

    def __post_init__(self) -> None:
        if self.stranger_rounds + self.earnest_rounds > 1:
            raise ValueError(
                "self_play: stranger_rounds and earnest_rounds are shares of all rounds: "
                f"{self.stranger_rounds} + {self.earnest_rounds} is more than 1"
            )


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

    promotion_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of deals in which a rated network must be ahead of the one that plays self-play, to
    play in its place; equals are at 0.5. With 0 the newest always plays, and no match is made."""

    def __post_init__(self) -> None:
        if self.players * self.cards > 52:
            raise ValueError(
                f"rating: {self.players} players × {self.cards} cards do not come out of 52 cards"
            )
