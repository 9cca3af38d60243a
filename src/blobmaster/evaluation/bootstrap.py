"""Values with the interval that holds the truth 95 times in 100, by the bootstrap over deals.

The deals that were played stand for all that could have been: the value is worked out again from
as many deals drawn from them with replacement, many times over (Efron 1979). The interval reaches
a little farther than the resampled values' own 95 %, by what Student's distribution adds for so
few deals ("expanded percentile interval", Hesterberg 2015): without that, it is too short for few.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LEVEL = 0.95
_NORMAL = NormalDist()


class Estimate(NamedTuple):
    """A measured value, and its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(value: float, resampled: npt.NDArray[np.float64], deals: int) -> Estimate:
    """`value` with the interval that its resampled values span.

    Args:
        value: worked out from all deals.
        resampled: `[resamples]`, the same from deals drawn again.
        deals: how many deals there were, at least 2.
    """
    tail = _NORMAL.cdf(-math.sqrt(deals / (deals - 1)) * _student(deals - 1, LEVEL))
    low, high = np.quantile(resampled, (tail, 1.0 - tail))
    return Estimate(float(value), float(low), float(high))


def estimate_mean(
    values: npt.NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> Estimate:
    """The mean of one value a deal (`[deals]`).

    Points take few values, so how often each is drawn again is all that is drawn: the same, and
    much faster where there are many deals.
    """
    deals = len(values)
    distinct, counts = np.unique(values, return_counts=True)
    drawn = generator.multinomial(deals, counts / deals, resamples)
    return estimate(float(values.mean()), drawn @ distinct / deals, deals)


def student_mean(values: npt.NDArray[np.float64], level: float) -> Estimate:
    """The mean of one value a deal, with Student's interval, which is to hold it at that level.

    For levels beyond 95 %: the tails of thousands of resamples are a few values, and vary.
    """
    mean = float(values.mean())
    reach = _student(len(values) - 1, level) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - reach, mean + reach)


def _student(freedom: int, level: float) -> float:
    """How many standard errors an interval reaches (Abramowitz and Stegun 1964, 26.7.5)."""
    z = _NORMAL.inv_cdf((1.0 + level) / 2.0)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
