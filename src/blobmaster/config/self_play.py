"""`[self_play]`: the amount of play per iteration, and the policy that makes the decisions."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from blobmaster.config.flag import Flag

StyleName = Literal[
    "noisy-self",
    "underbidder",
    "overbidder",
    "sandbagger",
    "ducker",
    "grabber",
    "rusher",
    "hoarder",
    "careless",
    "varied",
]

STYLE_NAMES: tuple[StyleName, ...] = get_args(StyleName)
"""Styles of opponents, in the order of their kinds (`blobmaster.game.opponents`): the network
itself with noise, then the training styles of `blobmaster.game.styles`; `varied` stands for any of
its varied styles."""


class SelfPlaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The amount of play per iteration, its blocks, and the policy that makes the decisions."""

    decide_by: Annotated[Literal["lookahead", "search"], Flag("--decide-by")] = "lookahead"
    """Policy of self-play; lookahead learns several times more per core-minute. `lookahead` draws
    from the network's policy, improved by the critic's values one step ahead; `search` draws from
    the visit counts of a determinized tree search. The flags `--enable-curriculum` and `--search`
    make it `search` unless `--decide-by lookahead` is given."""

    rounds: Annotated[int, Meta(ge=1, le=100_000_000)] = 8000
    """Rounds per iteration of phase 1. The curriculum replaces it."""

    rounds_per_block: Annotated[int, Meta(ge=1, le=65536)] = 128
    """Rounds per block. A worker plays one block at a time, and a killed run plays its unfinished
    blocks again."""

    games: Annotated[int, Meta(ge=1, le=10_000_000)] = 200
    """Games per iteration of phase 2. The curriculum replaces it."""

    games_per_block: Annotated[int, Meta(ge=1, le=4096)] = 32
    """Games per block in phase 2."""

    lanes: Annotated[int, Meta(ge=1, le=65536)] = 128
    """Rounds or games that a block plays side by side. They share each batch of the network."""

    policy_step: Annotated[float, Meta(gt=0, le=1000)] = 8.0
    """Step of the one-step policy improvement: probabilities are multiplied by
    `exp(policy_step × value)` and normalized."""

    explore: Annotated[float, Meta(ge=0, le=1)] = 0.02
    """Share of lookahead decisions that are drawn uniformly from the legal actions."""

    full_share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Share of search decisions that are searched in full and learned from. The others get a cheap
    search and are played but not learned (playout cap randomization, Wu 2019, "Accelerating
    Self-Play Learning in Go")."""

    cheap_simulations: Annotated[int, Meta(ge=1, le=4096)] = 8
    """Simulations per world of a cheap search; never more than those of a full one."""

    end_settled: bool = False
    """Finish a round by uniformly random play once no seat's points can change. These actions, like
    those of opponents, are not learned."""

    opponent_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.3
    """Share of rounds or games with opponents, from whose choices nothing is learned. They let the
    network see other play than its own: at random, or by a style (see `opponent_styles`)."""

    opponent_seats: Annotated[float, Meta(ge=0, le=1)] = 0.6
    """Share of seats that opponents take in such a round or game."""

    opponent_styles: Annotated[float, Meta(ge=0, le=1)] = 0.8
    """Share of opponents that play by a style of `opponent_mix`; the others play at random."""

    opponents_alike: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Share of rounds or games in which all opponents with a style have the same one."""

    opponent_mix: dict[StyleName, float] = msgspec.field(
        default_factory=lambda: {
            "noisy-self": 1.0,
            "varied": 8.0,
            "underbidder": 1.0,
            "sandbagger": 3.0,
            "grabber": 1.0,
            "careless": 1.0,
            "overbidder": 1.0,
        }
    )
    """Relative weight of each style of opponent; one that is left out does not play. The rule
    players are listed in `docs/opponents.md`; `varied` is one of 54 others, which bid and play in
    as many ways as people may; `noisy-self` is the network itself, drawing its actions at a
    temperature of 2."""

    opponents_known: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Share of rounds or games in which the network knows who holds the seats: itself, or an
    opponent of which kind. So it learns to play against each, and in a game, where the earlier
    rounds show how a seat plays, it adapts (`docs/decisions.md`)."""

    exploited: str = ""
    """Checkpoint whose network holds the seats of the opponents named `noisy-self`, and takes its
    most likely action there. `train --exploit` sets it."""

    greedy_rounds: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of rounds or games in which every seat takes its most probable action, as in ratings,
    with no opponents. The actor's trick and bid heads learn from them alone."""

    bid_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """Temperature of a bid with search: it is drawn from visit counts to the power of
    1 / temperature. At 0, the most visited bid is taken."""

    play_temperature: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """Temperature of a round's first card with search. It falls linearly to `last_temperature`."""

    last_temperature: Annotated[float, Meta(ge=0, le=10)] = 0.25
    """Temperature of a round's last card with search."""

    @property
    def network_opponent_temperature(self) -> float:
        """The temperature at which opponents that are networks draw their actions.

        At 2, the square roots of probabilities count: a noisy self often plays what the network
        takes for second best.
        """
        return 0.0 if self.exploited else 2.0

    @property
    def adapts(self) -> bool:
        """True if the network learns to play against opponents that it knows."""
        return self.opponents_known > 0

    def __post_init__(self) -> None:
        if self.opponent_rounds + self.greedy_rounds > 1:
            raise ValueError(
                "self_play: opponent_rounds and greedy_rounds are shares of all rounds, and "
                f"{self.opponent_rounds} + {self.greedy_rounds} is more than 1: lower one"
            )
        weights = self.opponent_mix.values()
        if not all(0 <= weight < math.inf for weight in weights) or not sum(weights) > 0:
            raise ValueError(
                "self_play.opponent_mix: weights must be 0 or more, and one of them above 0, not "
                f"{self.opponent_mix}"
            )
