"""The settings of a search, checked where they are made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one decision is searched: `worlds` trees of `simulations` each, as in `3×35`."""

    worlds: Annotated[int, Meta(ge=1, le=64)] = 3
    simulations: Annotated[int, Meta(ge=1, le=4096)] = 35
    tree: Literal["each", "shared"] = "each"
    """Whether each world has a tree of its own; or all simulations together grow a single one, and
    draw a world each, in which a node is what its seat knows."""

    root: Literal["puct", "gumbel"] = "puct"
    """How simulations choose at the root: by PUCT, whose visits are the policy to be learned; or
    by sequential halving, whose values improve the priors (`blobmaster.search.gumbel`)."""

    exploration: Annotated[float, Meta(gt=0)] = 1.5
    """`c` of the PUCT rule, against values between 0 and 1."""

    noise_share: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of Dirichlet noise in the root's priors, in self-play with PUCT at the root."""

    noise_total: Annotated[float, Meta(ge=0.1)] = 10.0
    """Sum of the Dirichlet parameters: each of n legal actions gets `noise_total / n`. Far below
    0.1 all of a draw's gamma numbers could be too small for a float, and their sum zero."""

    considered: Annotated[int, Meta(ge=2, le=18)] = 8
    """With Gumbel roots, the most actions that a search looks at."""

    value_scale: Annotated[float, Meta(gt=0, le=100)] = 0.1
    """With Gumbel roots, how far values move a policy, beside visits and `visit_offset`."""

    visit_offset: Annotated[float, Meta(ge=0, le=10_000)] = 50.0
    """With Gumbel roots, a policy moves by the exponential of the value times `value_scale` times
    (this and the visits of the most visited action)."""

    settle: bool = False
    """A round in which no seat's points can change is over for a tree, whatever is left to play."""

    solve_tricks: Annotated[int, Meta(ge=0, le=2)] = 0
    """So many last tricks of a world are solved exactly instead of evaluated."""

    def __str__(self) -> str:
        return f"{self.worlds}×{self.simulations}"

    @property
    def trees(self) -> int:
        """Trees of one decision."""
        return 1 if self.tree == "shared" else self.worlds

    @property
    def simulations_a_tree(self) -> int:
        """Simulations of each of them."""
        return self.worlds * self.simulations // self.trees
