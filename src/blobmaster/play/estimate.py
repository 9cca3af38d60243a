"""Values with the interval that holds the truth 95 times in 100, by the bootstrap over deals.

The deals that were played stand for all that could have been: the value is worked out again from
as many deals drawn from them with replacement, many times over (Efron 1979).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

TAILS = (0.025, 0.975)


class Estimate(NamedTuple):
    """A measured value, and its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(value: float, resampled: npt.NDArray[np.float64]) -> Estimate:
    """`value` with the interval that its resampled values (`[resamples]`) span."""
    low, high = np.quantile(resampled, TAILS)
    return Estimate(float(value), float(low), float(high))


def estimate_mean(
    values: npt.NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> Estimate:
    """The mean of one value a deal (`[deals]`)."""
    deals = len(values)
    chosen = generator.integers(0, deals, (resamples, deals))
    return estimate(float(values.mean()), values[chosen].mean(axis=1))
