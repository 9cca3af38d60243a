"""The settings of a search, checked where they are made."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one decision is searched: `worlds` trees of `simulations` each, as in `3×35`."""

    worlds: Annotated[int, Meta(ge=1, le=64)] = 3
    simulations: Annotated[int, Meta(ge=1, le=4096)] = 35
    exploration: Annotated[float, Meta(gt=0)] = 1.5
    """`c` of the PUCT rule, against values between 0 and 1."""

    noise_share: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of Dirichlet noise in the root's priors, in self-play."""

    noise_total: Annotated[float, Meta(ge=0.1)] = 10.0
    """Sum of the Dirichlet parameters: each of n legal actions gets `noise_total / n`. Far below
    0.1 all of a draw's gamma numbers could be too small for a float, and their sum zero."""

    def __str__(self) -> str:
        return f"{self.worlds}×{self.simulations}"
