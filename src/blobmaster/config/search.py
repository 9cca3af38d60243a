"""`[search]`: the tree search of one decision."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from blobmaster.config.flag import Flag


def parse_size(text: str) -> dict[str, int]:
    """Return worlds and simulations of a search such as `3x35`.

    Raises:
        ValueError: the text is not of that form; one line.
    """
    if not (found := re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", text, re.ASCII)):
        raise ValueError(f"a search is worlds by simulations, such as 3x35, not {text!r}")
    return {"worlds": int(found[1]), "simulations": int(found[2])}


SIZE: Final = Flag(
    "--search",
    parse=parse_size,
    metavar="DxS",
    help="Decide by a search of this size: worlds x simulations, such as 3x35.",
)


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The search of one decision: `worlds` determinizations of `simulations` each, as in `3×35`."""

    worlds: Annotated[int, Meta(ge=1, le=64), SIZE] = 3
    """Determinizations: deals of the unseen cards that are sampled for a decision."""

    simulations: Annotated[int, Meta(ge=1, le=4096), SIZE] = 35
    """Simulations per world."""

    tree: Literal["each", "shared"] = "each"
    """Trees of a decision. With `each`, every world has its own tree; with `shared`, all
    simulations grow one tree whose nodes are information sets, and each simulation samples a
    world."""

    root: Literal["puct", "gumbel"] = "puct"
    """Action selection at the root. `puct` gives visit counts as the policy target; `gumbel` is
    sequential halving, whose completed Q-values improve the priors (Danihelka et al. 2022)."""

    exploration: Annotated[float, Meta(gt=0)] = 1.5
    """Constant `c` of the PUCT rule, for values between 0 and 1."""

    noise_share: Annotated[float, Meta(ge=0, le=1)] = 0.25
    """Share of Dirichlet noise in the root priors. Used in self-play with PUCT at the root."""

    noise_total: Annotated[float, Meta(ge=0.1)] = 10.0
    """Sum of the Dirichlet parameters: each of n legal actions gets `noise_total / n`. Far below
    0.1, all gamma samples of a draw could underflow to 0, and so could their sum."""

    considered: Annotated[int, Meta(ge=2, le=18)] = 8
    """Largest number of root actions that a Gumbel search considers."""

    value_scale: Annotated[float, Meta(gt=0, le=100)] = 0.1
    """Factor of the value in the improved policy of a Gumbel root."""

    visit_offset: Annotated[float, Meta(ge=0, le=10_000)] = 50.0
    """Visits added to the most visited action's in the improved policy of a Gumbel root: its logits
    move by `value_scale × (visit_offset + max visits) × value`."""

    settle: bool = False
    """End a round in the tree as soon as no seat's points can change any more."""

    solve_tricks: Annotated[int, Meta(ge=0, le=2)] = 0
    """Last tricks of a world that are solved exactly instead of evaluated by the network."""

    def __str__(self) -> str:
        return f"{self.worlds}×{self.simulations}"

    @property
    def trees(self) -> int:
        """Trees of one decision."""
        return 1 if self.tree == "shared" else self.worlds

    @property
    def simulations_a_tree(self) -> int:
        """Simulations of each tree."""
        return self.worlds * self.simulations // self.trees
