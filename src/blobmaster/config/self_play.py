"""`[self_play]`: how much is played an iteration, and how decisions are made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


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

    lanes: Annotated[int, Meta(ge=1, le=65536)] = 128
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
    random_seats, are not learned."""

    random_opponent_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.3
    """Share of rounds or games in which some seats play at random, so that bad play is known."""

    random_opponent_seats: Annotated[float, Meta(ge=0, le=1)] = 0.6
    """Share of the seats of such a one."""

    greedy_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of rounds or games that are played as a rated network plays: no random_seats, and every
    choice the likeliest. From them alone the actor learns how many tricks its own play takes."""

    bid_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """With search, a bid is drawn from visits to the power of 1 over this; 0 takes the most."""

    play_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """The same for a round's first card; it falls in a line to `last_temperature`."""

    last_temperature: Annotated[float, Meta(ge=0, le=10)] = 0.25
    """The temperature at a round's last card."""

    def __post_init__(self) -> None:
        if self.random_opponent_rounds + self.greedy_rounds > 1:
            raise ValueError(
                "self_play: random_opponent_rounds and greedy_rounds are shares of all rounds: "
                f"{self.random_opponent_rounds} + {self.greedy_rounds} is more than 1"
            )
