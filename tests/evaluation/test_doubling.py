"""The gain over the last doubling is measured, and a run is flat only when its gains show it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dealing import CPU, small_network

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.doubling import DoublingGains, halfway, measure_gain
from blobmaster.evaluation.ratings import Rating, Ratings
from blobmaster.selfplay.pool import LocalPool

PRECISE = np.tile([-0.1, 0.1], 2000)
"""Leads with a mean of 0 and a standard error of 0.0016."""


def gains_of(*leads: np.ndarray) -> DoublingGains:
    gains = DoublingGains()
    for number, lead in enumerate(leads, start=2):
        gains.add(measure_gain(5 * number - 1, 5 * (number // 2) - 1, lead))
    return gains


def test_a_gain_is_the_mean_lead_with_a_95_percent_interval():
    gain = measure_gain(9, 4, np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    assert (gain.iteration, gain.earlier) == (10, 5)
    assert gain.gain.value == 2.0
    assert gain.error == pytest.approx(np.sqrt(2.5 / 5))
    assert gain.gain.low < 2.0 - 1.96 * gain.error
    assert gain.gain.high > 2.0 + 1.96 * gain.error


@pytest.mark.parametrize(
    ("leads", "since"),
    [
        ([PRECISE] * 3, None),  # too few matches
        ([PRECISE] * 4, 5),
        ([PRECISE + 0.2] * 4, None),  # it gains
        ([PRECISE + 0.2] * 2 + [PRECISE] * 4, 10),
        ([PRECISE] * 4 + [PRECISE + 0.4], None),  # it gains again
        ([PRECISE * 100] * 4, None),  # nothing is sure: the interval is wide
    ],
)
def test_a_run_is_flat_once_the_mean_of_its_newest_gains_is_surely_small(leads, since):
    gains = gains_of(*leads)
    assert gains.flat_since == since
    assert gains.metrics()["flat_since"] == since


def test_a_restored_run_has_the_same_gains():
    gains, restored = gains_of(*[PRECISE] * 5), DoublingGains()
    restored.load_state_dict(gains.state_dict())
    assert restored.metrics() == gains.metrics()
    assert restored.flat_since == gains.flat_since


def test_before_the_first_match_all_figures_are_null():
    assert set(DoublingGains().metrics().values()) == {None}


@pytest.mark.parametrize(
    ("iteration", "units", "expected"),
    [
        (4, [100] * 5, None),
        (9, [100] * 10, 4),
        (19, [100] * 20, 9),
        (24, [100] * 25, 9),  # iterations 10 and 15 are equally near to 12.5
        (19, [100] * 10 + [500] * 10, 14),  # rounds count, not iterations
        (14, [100] * 5 + [10_000] * 10, 9),
    ],
)
def test_the_halfway_network_had_played_about_half_of_the_rounds(iteration, units, expected):
    rated = [number for number in range(4, iteration, 5)]
    assert halfway(iteration, dict(enumerate(units)), rated) == expected


SETTINGS = RatingSettings(deals=20, doubling_deals=30, bootstrap=20, earlier=0)


def rate(ratings: Ratings, network, half) -> Rating:
    told: list[int] = []
    rating = ratings.rate(
        9,
        network,
        small_network(0),
        {},
        LocalPool(2, prepare=lambda: None),
        CPU,
        halfway=half,
        should_stop=lambda: False,
        on_deals=told.append,
    )
    assert rating is not None
    assert sum(told) == ratings.total_deals(with_halfway=half is not None)
    return rating


def test_a_rating_measures_the_gain_and_nothing_else_changes_with_it():
    torch.set_num_threads(1)
    ratings = [Ratings(SETTINGS, seed=3) for _ in range(2)]
    with_half = rate(ratings[0], small_network(1), (4, small_network(2)))
    without = rate(ratings[1], small_network(1), None)
    assert with_half.doubling is not None
    assert with_half.doubling[:2] == (10, 5)
    assert "over iter005" in str(with_half)
    assert with_half._replace(doubling=None) == without


def test_a_network_gains_nothing_over_itself():
    rating = rate(Ratings(SETTINGS, seed=3), small_network(1), (4, small_network(1)))
    assert rating.doubling is not None
    assert rating.doubling.gain == (0, 0, 0)
