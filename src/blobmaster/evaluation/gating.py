"""Gating: where it is asked for, a newer network plays self-play only once it has shown itself.

It meets the network that plays on duplicate deals, half of a table each. Equal players are ahead
in half of the deals, so a threshold of 0.55 asks for the margin that AlphaGo Zero was gated by
(Silver et al. 2017).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Lineups
from blobmaster.evaluation.bootstrap import Estimate
from blobmaster.evaluation.matches import Match
from blobmaster.model.network import BlobNetwork
from blobmaster.run.files.layout import START

NEWER, OLDER = 0, 1


class Gating(NamedTuple):
    """How a newer network did against the one that plays."""

    share: Estimate
    """Of the deals in which its seats made more, ties counted half."""
    is_accepted: bool

    def __str__(self) -> str:
        """The outcome in a few words."""
        found = "promoted" if self.is_accepted else "not promoted"
        return (
            f"{found}: ahead of the network that plays in {100 * self.share.value:.0f} % of deals"
        )

    def metrics(self) -> dict[str, Any]:
        """Flat, for a run's history."""
        share = self.share
        ends = {"promotion_share_low": share.low, "promotion_share_high": share.high}
        return {"promoted": self.is_accepted, "promotion_share": share.value, **ends}


def gating_match(newer: str, older: str, settings: RatingSettings) -> Match:
    """Tables at which the two sit in turn; who begins changes from deal to deal."""
    deals, places = np.indices((settings.deals, settings.players))
    return Match("promotion", (newer, older), (deals + places) % 2)


def deals_ahead(points: npt.NDArray[np.int64], lineups: Lineups) -> npt.NDArray[np.float64]:
    """`[deals]`: 1 where a seat of the newer made more than one of the older, 0.5 if as much.

    Args:
        points: `[deals, places]`, of a deal in all rotations together.
        lineups: of a `gating_match`.
    """
    newer = lineups == NEWER
    # Means by cross-multiplication: whole numbers tie exactly.
    made = (points * newer).sum(axis=1) * (~newer).sum(axis=1)
    lost = (points * ~newer).sum(axis=1) * newer.sum(axis=1)
    return (1.0 + np.sign(made - lost)) / 2.0


class GatedNetwork:
    """The network that plays self-play until a newer one is promoted."""

    def __init__(self, network: BlobNetwork, since: int = START) -> None:
        """Args:
        network: what plays first; it is copied.
        since: the iteration (0-based) that it is of.
        """
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.since = since

    def give_way(self, network: BlobNetwork, iteration: int) -> None:
        """Let the network of an iteration (0-based) play from now on."""
        self.network.load_state_dict(network.state_dict())
        self.since = iteration

    def state_dict(self) -> dict[str, Any]:
        """All that must survive."""
        return {"network": self.network.state_dict(), "since": self.since}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.since = state["since"]
