"""The distance of a policy from an equilibrium."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


class Gains(NamedTuple):
    """Expected points per round, seats in order of play: the leader first, the dealer last."""

    made: Points
    """`[players]`: the value of each seat if all follow the policy."""
    best: Points
    """`[players]`: the value of each seat's best response to the others' policy."""

    @property
    def nash_conv(self) -> float:
        """The sum of the seats' gains by a best response: 0 in an equilibrium, else positive.

        NashConv: Lanctot et al., "A unified game-theoretic approach to multiagent reinforcement
        learning", NeurIPS 2017.
        """
        gain = float((self.best - self.made).sum())
        return max(0.0, gain)  # rounding may leave a tiny negative number
