"""Gating: a newer network replaces the one that plays self-play only after winning a match.

Both sit at half of the places of each table, on duplicate deals. Equal networks are each ahead in
half of the deals, so a threshold of 0.55 is the margin of AlphaGo Zero (Silver et al. 2017).
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

NEWER = 0
"""The newer network in the lineups of a gating match; the older one is 1."""


class GatingResult(NamedTuple):
    """The result of a gating match."""

    share: Estimate
    """Share of deals in which the newer network's seats made more points; ties count half."""
    is_accepted: bool
    """True if the newer network plays self-play from now on."""

    def __str__(self) -> str:
        """Return the outcome for a log line."""
        found = "promoted" if self.is_accepted else "not promoted"
        return (
            f"{found}: ahead of the network that plays in {100 * self.share.value:.0f} % of deals"
        )

    def metrics(self) -> dict[str, Any]:
        """Return the fields of a run's history."""
        share = self.share
        ends = {"promotion_share_low": share.low, "promotion_share_high": share.high}
        return {"promoted": self.is_accepted, "promotion_share": share.value, **ends}


def gating_match(newer: str, older: str, settings: RatingSettings) -> Match:
    """Seat the two networks alternately; the first place changes from deal to deal."""
    # Seated alternately: with one against three, equal networks would not each be ahead in half of
    # the deals.
    deals, places = np.indices((settings.deals, settings.players))
    return Match("promotion", (newer, older), (deals + places) % 2)


def deals_ahead(points: npt.NDArray[np.int64], lineups: Lineups) -> npt.NDArray[np.float64]:
    """Compare the mean points per seat of the two networks, deal by deal.

    Args:
        points: `[deals, places]`, the score in all rotations of a deal together.
        lineups: the lineups of a `gating_match`.

    Returns:
        `[deals]`: 1 where the newer network made more, 0.5 for a tie, 0 otherwise.
    """
    newer = lineups == NEWER
    # Cross-multiply instead of dividing: means of whole numbers then tie exactly.
    made = (points * newer).sum(axis=1) * (~newer).sum(axis=1)
    lost = (points * ~newer).sum(axis=1) * newer.sum(axis=1)
    return (1.0 + np.sign(made - lost)) / 2.0


class GatedNetwork:
    """The network that plays self-play until a newer one passes the gate."""

    def __init__(self, network: BlobNetwork, since: int = START) -> None:
        """Args:
        network: the first network; it is copied.
        since: the iteration (0-based) that it comes from.
        """
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.since = since

    def replace_network(self, network: BlobNetwork, iteration: int) -> None:
        """Play with a copy of this network, of an iteration (0-based), from now on."""
        # Copied in place: whoever holds the network or its parameters keeps a valid reference.
        self.network.load_state_dict(network.state_dict())
        self.since = iteration

    def state_dict(self) -> dict[str, Any]:
        """Return the network's weights and its iteration."""
        return {"network": self.network.state_dict(), "since": self.since}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self.since = state["since"]
