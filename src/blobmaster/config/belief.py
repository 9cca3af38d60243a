"""The settings of a belief-weighted lookahead such as `belief:256`; a run has none."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

USUAL_SHARE: Final = 0.3
"""`styles` of `belief:256:styles`, and what a network that adapts in games believes of a seat that
has not chosen anything."""


class BeliefSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One look ahead in sampled worlds that are weighted by the other seats' bids and plays."""

    worlds: Annotated[int, Meta(ge=1, le=16384)] = 256
    """Worlds that are sampled for a decision."""

    step: Annotated[float, Meta(gt=0, le=1000)] = 32.0
    """The action taken has the largest `log prior + step × value`, for values between 0 and 1."""

    uniform: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Share of uniformly random play in the policy that the other seats are believed to follow."""

    kept: Annotated[int, Meta(ge=1, le=16384)] = 64
    """The most worlds in which the actions are tried: those of the largest weights."""

    rollouts: bool = False
    """Play every action out by the network's most likely actions, instead of asking the critic."""

    styles: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """The probability that another seat, before it has chosen anything, is not believed to play
    like the network. It is spread evenly over all other kinds: the training styles and the varied
    styles of docs/opponents.md, and random play. At 0 every seat is believed to play like the
    network."""

    style_step: Annotated[float, Meta(gt=0, le=1000)] = 256.0
    """As `step`, where no other seat plays like the network: its policy is a good guide beside its
    own kind only. Between the two in proportion to that belief."""
