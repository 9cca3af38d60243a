"""How far a policy is from an equilibrium: what each seat makes, and what it could make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


class Gains(NamedTuple):
    """Expected points a round; seats in order of play, the leader first, the dealer last."""

    made: Points
    """`[players]`: what each seat makes where all follow the policy."""
    best: Points
    """`[players]`: what each seat would make by its best response to the others' policy."""

    @property
    def nash_conv(self) -> float:
        """What the seats could gain, each alone, summed: 0 in an equilibrium, else more.

        NashConv: Lanctot et al., "A unified game-theoretic approach to multiagent reinforcement
        learning", NeurIPS 2017.
        """
        gain = float((self.best - self.made).sum())
        return max(0.0, gain)  # rounding may leave a little less than nothing
