"""Calibration: predicted probabilities of making a bid against the outcomes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from dealing import CPU, deals_of, play, small_network, small_network_player

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.calibration import (
    Bids,
    CalibrationMatch,
    record_bids,
    reliability,
    summarize,
)
from blobmaster.game.rules import MAX_LEGAL
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import generator
from blobmaster.model.heads import TRICK_COUNTS
from blobmaster.selfplay.pool import LocalPool

SETTINGS = RatingSettings(deals=30, deals_per_block=7, players=4, cards=3)


def never() -> bool:
    return False


def distorted_bids(count: int, distort) -> tuple[np.ndarray, np.ndarray]:
    """Return distorted true probabilities, and outcomes drawn from the true ones."""
    draws = generator(0, "calibration test")
    truth = draws.random(count)
    return distort(truth), draws.random(count) < truth


def test_true_probabilities_have_the_error_expected_by_chance():
    errors = []
    for seed in range(200):
        draws = generator(seed, "chance")
        truth = draws.beta(3, 2, 2000)
        found = reliability(truth, draws.random(2000) < truth)
        errors.append(found.error)
    assert np.mean(errors) == pytest.approx(found.chance, rel=0.05)


@pytest.mark.parametrize("off", [0.1, 0.25])
def test_a_constant_offset_is_the_calibration_error(off):
    said, made = distorted_bids(200_000, lambda truth: np.minimum(truth + off, 1.0))
    expected = np.minimum(off, 1.0 - generator(0, "calibration test").random(200_000)).mean()
    assert reliability(said, made).error == pytest.approx(expected, abs=0.005)


def test_errors_of_opposite_sign_do_not_cancel():
    said = np.array([0.95] * 1000 + [0.05] * 1000)
    made = np.array([True, False] * 1000)
    assert reliability(said, made).error == pytest.approx(0.45)


def test_probability_one_is_in_the_last_bin():
    assert reliability(np.array([1.0, 1.0]), np.array([True, True])) == (0.0, 0.0)


def test_bids_and_outcomes_are_counted_by_cards_dealt():
    bids = Bids(
        cards=np.array([1, 1, 3, 3]),
        bid=np.array([0, 1, 2, 0]),
        tricks=np.array([0, 0, 2, 1]),
        at_bid=np.array([0.9, 0.8, 0.6, 0.4]),
        at_first_card=np.array([np.nan, np.nan, 0.7, 0.3]),
    )
    found = summarize(bids)
    assert found.by_cards == (
        (1, 2, pytest.approx(0.85), 0.5, 0.5, 0.0),
        (3, 2, pytest.approx(0.5), 0.5, 1.0, 1.5),
    )
    assert found.at_first_card.error == pytest.approx(0.3)
    assert found.metrics()["made_exact_by_cards"] == [0.5, 0.5]


@pytest.mark.parametrize(("players", "cards"), [(3, 1), (4, 5), (6, 4)])
def test_the_bids_are_those_of_the_networks_player(players, cards):
    deals = deals_of(players, cards, 40)
    bids = record_bids(NetworkEvaluator(small_network(2).parts, 40, CPU), deals, never)
    made = play([small_network_player(2, 40 * players)], [0] * players, deals)
    chosen = np.full((40, players), True)
    forced = 40 * players - len(bids.bid)
    assert (forced > 0) == (cards == 1)  # else nobody's bid is forced
    if not forced:
        # In rotation 0 a place is a seat.
        assert (bids.bid == bids.tricks).tolist() == made.exact[:, 0][chosen].tolist()
    assert set(bids.cards.tolist()) == {cards}


class Forecaster:
    """Prefers the highest legal action and predicts n tricks with a fixed probability."""

    def __init__(self) -> None:
        self.asked = 0

    def forecasts(self, states):
        self.asked += 1
        priors = np.tile(np.arange(MAX_LEGAL, dtype=np.float32), (len(states), 1))
        tricks = np.zeros((len(states), TRICK_COUNTS), np.float32)
        tricks[:] = np.arange(TRICK_COUNTS) / 100 + self.asked / 1000
        return priors, tricks


def test_predictions_are_recorded_at_the_bid_and_at_the_first_card():
    deals = deals_of(3, 17, 5)
    bids = record_bids(Forecaster(), deals, never)
    # The dealer bids last, asked third; seats bid as high as they may.
    assert len(bids.bid) == 15
    turns = np.round(1000 * bids.at_bid - 10 * bids.bid).astype(int)
    assert sorted(set(turns.tolist())) == [1, 2, 3]
    later = np.round(1000 * bids.at_first_card - 10 * bids.bid)
    assert (later[~np.isnan(later)] > 3).all()


def test_a_networks_prediction_covers_the_possible_tricks_only():
    deals = deals_of(4, 5, 1)
    bids = record_bids(NetworkEvaluator(small_network(2).parts, 1, CPU), deals, never)
    assert (bids.at_bid > 0).all()
    assert bids.at_bid == pytest.approx(1 / 2, abs=0.1)  # an untrained network knows nothing
    first = bids.at_first_card[~np.isnan(bids.at_first_card)]
    assert first == pytest.approx(1 / 6, abs=0.1)


def calibrate(workers: int, should_stop=never, told=None):
    pool = LocalPool(workers, lambda: torch.set_num_threads(1))
    match = CalibrationMatch(SETTINGS, lambda block: generator(3, "test", block))
    on_rounds = (told if told is not None else []).append
    return match, match.play(
        small_network(1), CPU, pool, should_stop=should_stop, on_rounds=on_rounds
    )


def test_results_do_not_depend_on_workers_and_all_sizes_are_played_equally():
    told: list[int] = []
    match, found = calibrate(1, told=told)
    assert found == calibrate(3)[1]
    assert sum(told) == match.rounds == 240
    sizes = [row.cards for row in found.by_cards]
    assert sizes == [1, 2, 3]
    assert found.by_cards[1].bids == found.by_cards[2].bids == 80 * 4


def test_an_abandoned_calibration_is_none():
    assert calibrate(2, should_stop=lambda: True)[1] is None
