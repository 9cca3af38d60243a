"""The Plackett-Luce fit agrees with the package choix, ties and draws included."""

from __future__ import annotations

from itertools import chain, permutations, product
from math import factorial

import choix
import numpy as np
import pytest

from blobmaster.evaluation.plackett_luce import EMPTY, choices_of, fit, standings_of
from blobmaster.kernels.rng import generator

PLAYERS = 6
STRENGTHS = np.exp([0.0, -0.8, 0.3, 1.2, 0.9, 2.0])


def random_standings(count: int, places: int, levels: int, seed: int) -> np.ndarray:
    """Draw random standings; fewer levels of points give more ties."""
    draws = generator(seed, "standings")
    tables = np.array([draws.permutation(PLAYERS)[:places] for _ in range(count)])
    scores = np.log(STRENGTHS)[tables] + draws.gumbel(size=tables.shape)
    return standings_of(tables, np.round(scores * levels).astype(np.int64))


def log_strengths(standings: np.ndarray, draws: float = 0.0) -> np.ndarray:
    counts = np.ones(len(standings), np.int64)
    logs = np.log(fit(choices_of(standings), counts, np.ones(PLAYERS), draws=draws))
    return logs - logs.mean()


def strict_orders(standing: list[int]) -> list[list[int]]:
    """List all rankings without ties that a standing with ties stands for, twelve in total."""
    groups: list[list[int]] = []
    for entry in standing:
        if entry >= 0:
            groups.append([entry])
        elif entry != EMPTY:
            groups[-1].append(~entry)
    orders = [list(chain(*order)) for order in product(*map(permutations, groups))]
    return orders * (factorial(4) // len(orders))


def test_standings_run_from_best_to_worst_and_mark_ties():
    players = np.array([[4, 2, 7, 1], [0, 1, 2, 3]])
    points = np.array([[10, 30, 10, 20], [5, 5, 5, 5]])
    assert standings_of(players, points).tolist() == [[2, 1, 4, ~7], [0, ~1, ~2, ~3]]


def test_strengths_equal_those_of_choix():
    standings = random_standings(400, 4, 10**6, seed=1)
    assert (standings >= 0).all()
    expected = choix.mm_rankings(PLAYERS, standings.tolist(), tol=1e-10)
    assert log_strengths(standings) == pytest.approx(expected - expected.mean(), abs=1e-5)


def test_a_tie_counts_as_all_orders_equally():
    standings = random_standings(150, 4, 1, seed=2)
    assert (standings < 0).mean() > 0.2
    orders = [order for standing in standings.tolist() for order in strict_orders(standing)]
    expected = choix.mm_rankings(PLAYERS, orders, tol=1e-10)
    assert log_strengths(standings) == pytest.approx(expected - expected.mean(), abs=1e-5)


def test_tables_of_several_sizes_are_fitted_together():
    small = random_standings(200, 3, 10**6, seed=3)
    large = random_standings(200, 5, 10**6, seed=4)
    padded = np.pad(small, ((0, 0), (0, 2)), constant_values=EMPTY)
    expected = choix.mm_rankings(PLAYERS, [*small.tolist(), *large.tolist()], tol=1e-10)
    fitted = log_strengths(np.concatenate([padded, large]))
    assert fitted == pytest.approx(expected - expected.mean(), abs=1e-5)


def test_draws_count_as_half_a_win_each_against_the_first_player():
    standings = random_standings(60, 4, 10**6, seed=5)
    drawn = [pair for i in range(1, PLAYERS) for pair in ([0, i], [i, 0])]
    expected = choix.mm_rankings(PLAYERS, [*standings.tolist() * 2, *drawn], tol=1e-10)
    fitted = log_strengths(standings, draws=1.0)
    assert fitted == pytest.approx(expected - expected.mean(), abs=1e-5)


def test_a_ranking_that_occurred_n_times_counts_n_times():
    standings = random_standings(50, 4, 1, seed=6)
    counts = generator(6, "counts").integers(1, 5, len(standings))
    choices = choices_of(standings)
    once = fit(choices, counts, np.ones(PLAYERS), draws=1.0)
    spread = np.repeat(standings, counts, axis=0)
    again = fit(choices_of(spread), np.ones(len(spread), np.int64), np.ones(PLAYERS), draws=1.0)
    assert np.log(once) == pytest.approx(np.log(again), abs=1e-5)


def test_a_player_that_sits_at_two_places_keeps_its_strength():
    draws = generator(7, "doubles")
    tables = np.array([draws.choice(PLAYERS, 4) for _ in range(20000)])
    scores = np.log(STRENGTHS)[tables] + draws.gumbel(size=tables.shape)
    standings = standings_of(tables, np.round(scores * 10**6).astype(np.int64))
    fitted = log_strengths(standings)
    assert fitted == pytest.approx(np.log(STRENGTHS) - np.log(STRENGTHS).mean(), abs=0.05)


def test_the_fit_does_not_depend_on_its_start():
    standings = random_standings(100, 4, 2, seed=8)
    choices, counts = choices_of(standings), np.ones(100, np.int64)
    near = fit(choices, counts, np.ones(PLAYERS), draws=1.0)
    far = fit(choices, counts, np.exp(np.arange(PLAYERS) * 3.0), draws=1.0)
    assert np.log(near) == pytest.approx(np.log(far), abs=1e-4)


def test_a_perfect_record_stays_finite():
    tables = np.tile([0, 1, 2, 3], (500, 1))
    standings = standings_of(tables, np.tile([10, 0, 20, 30], (500, 1)))
    logs = np.log(fit(choices_of(standings), np.ones(500, np.int64), np.ones(4), draws=1.0))
    assert np.isfinite(logs).all()
    assert logs[3] > logs[2] > logs[0] > logs[1]
