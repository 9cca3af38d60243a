"""Styles of rule players: each is a few parameters of the rules in `blobmaster.styles.rules`.

The training styles are opponents in self-play. The held-out styles never are: they measure how a
network plays against people it has never met, so they differ in kind, not only in degree. This
module loads neither numpy nor numba.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

BY_ESTIMATE, SURE_TRICKS, EVEN_SHARE, ZERO = range(4)
"""Rules for a bid: the estimated tricks of the hand; its cards that no card of their suit can beat;
the even share of the round's tricks; always 0."""

EXACTLY, DUCK, TAKE, HIGH_FIRST, LOW_FIRST, SABOTAGE = range(6)
"""Aims of a card: come as near to the bid as possible; take no trick, now or later; take this
trick, as cheaply as possible; the highest card; the lowest card; spoil the highest bidder's bid."""


@dataclass(frozen=True)
class Style:
    """A rule player."""

    name: str
    meaning: str
    """For help texts and docs/opponents.md."""
    bid_rule: int = BY_ESTIMATE
    bid_bias: float = 0.0
    """Tricks added to the estimate."""
    bid_noise: float = 0.0
    """Standard deviation of a normal number that is added to the estimate, in tricks."""
    until_met: int = EXACTLY
    """The aim while tricks are missing."""
    once_met: int = DUCK
    """The aim once the bid is reached."""
    careless: float = 0.0
    """Share of uniformly random choices."""


HEURISTIC: Final = Style("heuristic", "counts likely tricks")
"""All other styles are variations of it. It is no opponent in self-play: it rates networks."""

TRAINING_STYLES: Final = (
    Style("underbidder", "bids a trick too low", bid_bias=-1.0, bid_noise=0.25),
    Style("overbidder", "bids a trick too high", bid_bias=1.0, bid_noise=0.25),
    Style(
        "sandbagger",
        "bids too low and takes every trick",
        bid_bias=-1.0,
        until_met=TAKE,
        once_met=TAKE,
    ),
    Style("ducker", "avoids every trick", bid_bias=-0.5, until_met=DUCK),
    Style("grabber", "takes every trick", bid_bias=0.5, until_met=TAKE, once_met=TAKE),
    Style("rusher", "plays high cards first", bid_noise=0.25, until_met=HIGH_FIRST),
    Style("hoarder", "plays low cards first", bid_noise=0.25, until_met=LOW_FIRST),
    Style("careless", "errs in every fourth choice", bid_noise=1.0, careless=0.25),
)
"""Opponents in self-play that have names. Their order is part of records: it must not change."""

_BIASES: Final = (-2.0, -1.25, -0.5, 0.25, 1.0, 1.75)
_AIMS: Final = (
    (EXACTLY, DUCK),
    (EXACTLY, TAKE),
    (EXACTLY, LOW_FIRST),
    (TAKE, DUCK),
    (TAKE, TAKE),
    (HIGH_FIRST, DUCK),
    (LOW_FIRST, DUCK),
    (LOW_FIRST, LOW_FIRST),
    (DUCK, DUCK),
)
# High cards throughout, and high cards before taking more, are left out: held-out styles play so.

VARIED_STYLES: Final = tuple(
    Style(
        f"varied-{number}",
        "bids and plays in one of many ways",
        bid_bias=bias,
        bid_noise=0.4,
        until_met=until_met,
        once_met=once_met,
        careless=0.1,
    )
    for number, ((until_met, once_met), bias) in enumerate(product(_AIMS, _BIASES))
)
"""Opponents in self-play that stand for people: all pairs of a way to bid and a way to play, with
some noise. Their order is part of records: append new ones at the end."""

HELD_OUT_STYLES: Final = (
    Style(
        "sure-tricks",
        "bids its aces, then takes more",
        bid_rule=SURE_TRICKS,
        until_met=HIGH_FIRST,
        once_met=TAKE,
    ),
    Style(
        "averager",
        "bids the average, plays high",
        bid_rule=EVEN_SHARE,
        until_met=HIGH_FIRST,
        once_met=HIGH_FIRST,
    ),
    Style(
        "saboteur",
        "bids 0, spoils the highest bid",
        bid_rule=ZERO,
        until_met=SABOTAGE,
        once_met=SABOTAGE,
    ),
    Style(
        "zero-bidder",
        "bids 0, plays high",
        bid_rule=ZERO,
        until_met=HIGH_FIRST,
        once_met=HIGH_FIRST,
    ),
)
"""Opponents in evaluations only."""

STYLES: Final = (HEURISTIC, *TRAINING_STYLES, *VARIED_STYLES, *HELD_OUT_STYLES)
"""All styles. Kernels know a style by its index here."""


def style_number(name: str) -> int:
    """Return the index of a style in `STYLES`.

    Raises:
        ValueError: there is no style of that name.
    """
    return [style.name for style in STYLES].index(name)
