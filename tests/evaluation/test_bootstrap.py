"""Confidence intervals of few deals: their width follows Student's distribution exactly."""

from __future__ import annotations

import numpy as np
import pytest

from blobmaster.evaluation.bootstrap import student_mean

QUANTILES = {
    (1, 0.95): 12.7062,
    (2, 0.95): 4.3027,
    (3, 0.95): 3.1824,
    (4, 0.95): 2.7764,
    (9, 0.95): 2.2622,
    (10, 0.95): 2.2281,
    (29, 0.95): 2.0452,
    (30, 0.95): 2.0423,
    (120, 0.95): 1.9799,
    (1, 0.99): 63.6567,
    (2, 0.99): 9.9248,
    (5, 0.99): 4.0321,
    (20, 0.99): 2.8453,
}
"""Two-sided quantiles of Student's distribution by degrees of freedom and level, as tables print
them (Abramowitz and Stegun 1964, table 26.10)."""


@pytest.mark.parametrize(("freedom", "level"), QUANTILES)
def test_an_interval_of_a_mean_reaches_as_far_as_the_tables_say(freedom: int, level: float) -> None:
    values = np.arange(freedom + 1.0)
    found = student_mean(values, level)
    errors = values.std(ddof=1) / np.sqrt(len(values))
    assert (found.high - found.value) / errors == pytest.approx(QUANTILES[freedom, level], abs=2e-4)
    assert found.value - found.low == pytest.approx(found.high - found.value)
