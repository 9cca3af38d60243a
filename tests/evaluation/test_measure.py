"""Evaluations: intervals cover the truth, early stopping is valid, workers change nothing."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from dealing import CPU, deals_of, small_network
from dealing import play as deal_and_play
from noisy_agents import MirroredRandomAgent, PartlyRandomAgent

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.network import network_player
from blobmaster.agents.uniform import RandomAgent
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import shares_of_win
from blobmaster.evaluation.bootstrap import estimate_mean
from blobmaster.evaluation.breakdown.request import Breakdown
from blobmaster.evaluation.breakdown.table import BreakdownMatches
from blobmaster.evaluation.matches import Arena
from blobmaster.evaluation.matrix.table import Matrix
from blobmaster.evaluation.measure import (
    INTERIM_LEVEL,
    INTERIM_LOOKS,
    Evaluation,
    OpponentResult,
    interim_ends,
)
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import LocalPool

PLAYERS = {
    "random": lambda _: RandomAgent(),
    "backward": lambda _: MirroredRandomAgent(),
    "heuristic": lambda _: HeuristicAgent(),
    "heuristic again": lambda _: HeuristicAgent(),
    "erring": lambda _: PartlyRandomAgent(0.5),
    "network": network_player(small_network(1).parts, CPU),
}


def evaluation(
    player="random", opponents=("backward",), seed=0, until_sure=False, **settings
) -> Evaluation:
    sizes = {"deals": 60, "deals_per_block": 10, "bootstrap": 200, "cards": 3} | settings
    rating = RatingSettings(**sizes)
    arena = Arena(PLAYERS, rating, lambda _, block: generator(seed, "evaluation", block))
    return Evaluation(player, opponents, arena, rating, seed, until_sure=until_sure)


def play(some: Evaluation, workers: int = 1, should_stop=lambda: False) -> list[OpponentResult]:
    """Play to the end and return the results in the order in which they were yielded."""
    pool = LocalPool(workers, lambda: None)
    return list(some.play(pool, should_stop=should_stop, on_deals=[].append))


@pytest.mark.parametrize("until_sure", [False, True])
def test_results_do_not_depend_on_the_number_of_workers(until_sure):
    found = []
    for workers in (1, 3):
        some = evaluation(
            "network", ("random", "heuristic", "erring"), until_sure=until_sure, deals=90
        )
        found.append((play(some, workers), some.found(), some.elos()))
    assert found[0] == found[1]


def test_another_seed_deals_other_cards():
    assert play(evaluation(seed=1))[0].points != play(evaluation(seed=2))[0].points


def test_all_opponents_get_the_same_deals():
    first, second = play(evaluation("erring", ("heuristic", "heuristic again")))
    assert first.points.value == second.points.value
    assert first.lead.value == second.lead.value


def test_a_stronger_player_is_ahead_by_every_measure():
    some = evaluation("heuristic", ("random",), deals=200)
    found = play(some)[0]
    assert found.points.low > 2.0
    assert found.exact.low > 0.3
    assert found.wins.low > 0.25
    assert found.lead.low > 0
    elos = some.elos()
    assert elos["random"] == (1000, 1000, 1000)
    assert elos["heuristic"].low > 1000


def test_ties_share_the_win_and_shares_sum_to_one():
    made = np.array([[[12, 10, 10, 0], [10, 10, 0, 0]], [[0, 0, 0, 0], [0, 11, 0, 0]]])
    shares = shares_of_win(made)
    assert shares[0, 0].tolist() == [1, 0, 0, 0]
    assert shares[0, 1].tolist() == [0.5, 0.5, 0, 0]
    assert shares[1, 0].tolist() == [0.25] * 4
    assert (shares.sum(axis=-1) == 1).all()


def test_until_sure_stops_early_with_the_results_of_the_first_blocks():
    early = evaluation("heuristic", ("random", "heuristic again"), until_sure=True, deals=300)
    order = [found.opponent for found in play(early)]
    assert order == ["random", "heuristic again"]
    sure, even = early.found()
    assert sure.is_sure
    assert sure.deals < 300
    assert even.deals == 300
    straight = evaluation("heuristic", ("random",), deals=sure.deals)
    assert play(straight)[0].points.value == sure.points.value
    wide, narrow = sure.lead, straight.found()[0].lead
    assert wide.high - wide.low > narrow.high - narrow.low


def test_an_abandoned_evaluation_keeps_its_results_but_yields_none_as_final():
    told = iter([False] * 40 + [True] * 10_000)
    some = evaluation(deals=500)
    assert play(some, should_stop=lambda: next(told)) == []
    assert 0 < some.found()[0].deals < 500


def test_there_are_no_results_before_the_first_block():
    assert evaluation().found() == []


class LastBlockOnly:
    """A pool whose other workers were still busy when the evaluation was abandoned."""

    core_seconds_elsewhere = 0.0

    def __init__(self) -> None:
        self.is_stopped = False

    def map(self, job, blocks, *, should_stop, on_units):
        last = list(blocks)[-1]
        yield last, job.play(last, should_stop=should_stop, on_units=on_units)
        self.is_stopped = True


def test_a_last_block_of_one_deal_that_is_the_first_to_finish_is_no_result_yet():
    some, pool = evaluation(deals=11), LastBlockOnly()
    found = some.play(pool, should_stop=lambda: pool.is_stopped, on_deals=[].append)
    assert list(found) == []
    assert some.found() == []
    assert some.played(0) is None
    play(some)
    assert some.found()[0].deals == 11


@pytest.mark.parametrize("rest", [1, 2])
def test_a_breakdown_and_a_matrix_leave_out_what_was_played_in_one_deal_only(rest):
    settings = RatingSettings(deals=10 + rest, deals_per_block=10, cards=3, bootstrap=200)
    arena = Arena(PLAYERS, settings, lambda _, block: generator(0, "evaluation", block))
    matrix = Matrix(["random", "heuristic"], arena, settings, 0)
    sizes = BreakdownMatches(
        Breakdown(cards=(2,)),
        evaluation(),
        lambda _players, _cards: (arena, settings),
        settings,
        0,
    )
    for matches in (matrix, sizes):
        matches.play(LastBlockOnly(), should_stop=lambda: False, on_deals=[].append)
    assert [cell.deals for cell in matrix.found()] == [rest] * (rest > 1)
    assert [row.deals for row in sizes.tables()["cards"]] == [rest] * (rest > 1)


@pytest.mark.parametrize(("blocks", "looks"), [(1, 1), (3, 3), (10, 10), (15, 10), (500, 10)])
def test_there_are_at_most_ten_looks_and_the_last_is_at_the_end(blocks, looks):
    ends = interim_ends(blocks)
    assert len(ends) == looks
    assert ends[-1] == blocks


def test_ten_interim_looks_have_an_error_rate_of_5_percent():
    bound = NormalDist().inv_cdf((1 + INTERIM_LEVEL) / 2)
    draws = generator(0, "looks")
    paths = draws.standard_normal((40_000, INTERIM_LOOKS)).cumsum(axis=1) / np.sqrt(
        np.arange(1, INTERIM_LOOKS + 1)
    )
    wrong = (np.abs(paths) > bound).any(axis=1).mean()
    assert wrong == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 40_000))


@pytest.mark.parametrize("deals", [10, 20])
def test_intervals_from_few_deals_cover_the_truth_too(deals):
    held = 0
    for run in range(600):
        draws = generator(run, "few")
        found = estimate_mean(draws.standard_normal(deals) + 5, 150, draws)
        held += found.low <= 5 <= found.high
    assert 0.92 <= held / 600 <= 0.98


def coverage(player: str, opponent: str, runs: int, truth: dict[str, float], **settings):
    """Return the coverage of each measure's interval, and the share of runs with a clear lead."""
    held = dict.fromkeys(truth, 0)
    sure = 0
    for run in range(runs):
        found = play(evaluation(player, (opponent,), seed=run, **settings))[0]
        for measure, value in truth.items():
            interval = getattr(found, measure)
            held[measure] += interval.low <= value <= interval.high
        sure += found.is_sure
    return {measure: count / runs for measure, count in held.items()}, sure / runs


EVEN = {"lead": 0.0, "wins": 0.25}
"""The true values for equally strong players that play differently."""


def test_intervals_cover_the_known_values_of_equal_players():
    held, _ = coverage("random", "backward", 250, EVEN, deals=50, bootstrap=100)
    for share in held.values():
        assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / 250) <= share


@pytest.mark.long
def test_intervals_cover_the_truth_in_93_to_97_percent():
    held, _ = coverage("random", "backward", 2000, EVEN, deals=100, bootstrap=400)
    assert all(0.93 <= share <= 0.97 for share in held.values()), held
    truth = play(evaluation("erring", ("random",), seed=99, deals=100_000, bootstrap=20), 2)[0]
    known = {name: getattr(truth, name).value for name in ("points", "exact", "wins", "lead")}
    held, _ = coverage("erring", "random", 2000, known, deals=100, bootstrap=400)
    assert all(0.93 <= share <= 0.97 for share in held.values()), held


@pytest.mark.long
def test_early_stopping_finds_a_winner_among_equals_in_5_percent():
    settings = {"deals": 300, "deals_per_block": 30, "bootstrap": 20, "until_sure": True}
    _, sure = coverage("random", "backward", 2000, {}, **settings)
    assert sure <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def variances(agents, deals: int) -> tuple[float, float]:
    """Return the variance of the lead per round: of single rotations, and of duplicate deals."""
    made = deal_and_play(agents, [0, 1, 1, 1], deals_of(4, 5, deals)).points
    lead = made[:, :, 0] - made[:, :, 1:].mean(axis=2)
    return lead[:, 0].var(), lead.mean(axis=1).var() * made.shape[1]


def test_duplicate_deals_cut_the_variance_between_near_equal_players_to_a_quarter():
    single, duplicate = variances([PartlyRandomAgent(0.05), HeuristicAgent()], 500)
    assert duplicate < single / 4
