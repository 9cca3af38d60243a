"""The league: intervals cover the truth, later results correct earlier ones, the state is small."""

from __future__ import annotations

import numpy as np
import pytest

from blobmaster.evaluation.bootstrap import estimate_mean
from blobmaster.evaluation.elo import League
from blobmaster.kernels.rng import generator

DECADE = 400 / np.log(10)
TABLES = np.array([[0, 1, 2, 3], [4, 0, 1, 2], [3, 4, 0, 1], [2, 3, 4, 0], [1, 2, 3, 4]])
NAMES = ["a", "b", "c", "d", "e"]


def simulated(league: League, names, elos, deals: int, draws: np.random.Generator, tables=TABLES):
    """Simulate tables of players of known strength by the Plackett-Luce model."""
    lineups = tables[np.arange(deals) % len(tables)]
    scores = np.array(elos)[lineups] / DECADE + draws.gumbel(size=lineups.shape)
    league.add(names, lineups, np.round(scores * 1e6).astype(np.int64))
    return league


def coverage(elos, deals: int, runs: int, resamples: int) -> float:
    """Return the share of simulations in which the last player's interval covers its true Elo."""
    held = 0
    for run in range(runs):
        draws = generator(run, "coverage")
        league = simulated(League(["a"]), NAMES, elos, deals, draws)
        found = league.estimates(resamples, draws)["e"]
        held += found.low <= 1000 + elos[4] - elos[0] <= found.high
    return held / runs


@pytest.mark.parametrize("elos", [[0, 40, -30, 10, 20], [0, -100, 200, 350, 450]])
def test_intervals_cover_the_true_elo_in_about_95_percent(elos):
    assert 0.92 <= coverage(elos, deals=150, runs=300, resamples=100) <= 0.98


def test_intervals_cover_the_true_mean_in_about_95_percent():
    held = 0
    for run in range(400):
        draws = generator(run, "means")
        kept = draws.random((100, 4)) < 0.6
        values = np.where(kept, 10 + draws.integers(0, 4, kept.shape), 0).mean(axis=1)
        found = estimate_mean(values, 150, draws)
        held += found.low <= 0.6 * 11.5 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_interval_contains_the_value_and_narrows_with_deals():
    widths = []
    for deals in (100, 1600):
        draws = generator(0, "narrow")
        league = simulated(League(["a"]), NAMES, [0, 50, 100, 150, 200], deals, draws)
        found = league.estimates(100, draws)["d"]
        assert found.low < found.value < found.high
        assert found.value == league.elos()["d"]
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.35)


def test_stronger_players_get_more_and_the_first_gets_1000():
    elos = simulated(League(["a"]), NAMES, [0, 100, 200, 300, 400], 2000, generator(1, "order"))
    ordered = list(elos.elos().values())
    assert ordered[0] == 1000
    assert ordered == sorted(ordered)


def test_later_results_correct_an_earlier_elo():
    draws = generator(2, "correct")
    league = simulated(League(["a"]), NAMES, [0, 0, 0, 0, 300], 40, draws)
    early = league.elos()["e"]
    simulated(league, NAMES, [0, 0, 0, 0, 300], 4000, draws)
    assert league.elos()["e"] != early
    assert league.elos()["e"] == pytest.approx(1300, abs=40)


def test_before_any_result_all_have_elo_1000():
    assert League(["a", "b"]).elos() == {"a": 1000, "b": 1000}


def test_tables_of_another_size_join_the_league():
    draws = generator(3, "sizes")
    elos = [0, 100, 200, 300, 400]
    league = simulated(League(["a"]), NAMES, elos, 2000, draws)
    three = np.array([[0, 1, 4], [2, 3, 4], [1, 2, 3]])
    simulated(league, NAMES, elos, 6000, draws, three)
    simulated(league, NAMES, elos, 2000, draws)
    assert list(league.elos().values()) == pytest.approx([1000, 1100, 1200, 1300, 1400], abs=20)


def test_a_restored_league_continues_identically():
    first = simulated(League(["a"]), NAMES, [0, 1, 2, 3, 4], 100, generator(4, "state"))
    second = League(["a"])
    second.load_state_dict(first.state_dict())
    for league in (first, second):
        simulated(league, [*NAMES[:4], "f"], [0, 1, 2, 3, 4], 100, generator(5, "state"))
    assert first.elos() == second.elos()
    estimates = [league.estimates(20, generator(6, "state"))["f"] for league in (first, second)]
    assert estimates[0] == estimates[1]


def test_a_hundred_ratings_fit_in_200_kilobytes():
    draws = generator(7, "size")
    names = ["untrained", "random", "heuristic"]
    elos = [0.0, 20.0, 500.0]
    league = League(names)
    for rated in range(100):
        names.append(f"iter{rated}")
        elos.append(1000 * (1 - np.exp(-rated / 20)))
        others = [0, 1, 2, *range(max(3, rated), rated + 3)]
        tables = np.array(
            [
                [rated + 3, *(others[(turn + seat) % len(others)] for seat in range(3))]
                for turn in range(len(others))
            ]
        )
        lineups = tables[np.arange(600) % len(tables)]
        scores = np.array(elos)[lineups] / DECADE + draws.gumbel(size=lineups.shape)
        league.add(names, lineups, np.round(scores * 8).astype(np.int64))  # one in ten pairs ties
    state = league.state_dict()
    assert state["standings"].nbytes + state["counts"].nbytes < 200_000
