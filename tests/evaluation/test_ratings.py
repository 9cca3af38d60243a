"""Ratings in a run: independent of workers, stored, resumed, abandoned."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
import torch
from dealing import CPU, small_network

from blobmaster.agents.factory import make_rated_opponents
from blobmaster.agents.network import network_player
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.exact.bidding import one_card_gap
from blobmaster.evaluation.exact.priors import ROWS
from blobmaster.evaluation.matches import Arena, match_against, mixed_match
from blobmaster.evaluation.ratings import Ratings, network_name
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import LocalPool

SETTINGS = RatingSettings(deals=60, deals_per_block=13, bootstrap=40)


def rate(
    ratings,
    iteration,
    network,
    earlier=None,
    workers=1,
    should_stop=lambda: False,
    told=None,
    self_play_network=None,
):
    """Rate a network as the training loop does."""
    pool = LocalPool(workers, lambda: torch.set_num_threads(1))
    return ratings.rate(
        iteration,
        network,
        small_network(0),
        earlier or {},
        pool,
        CPU,
        self_play_network=self_play_network,
        should_stop=should_stop,
        on_deals=(told if told is not None else []).append,
    )


def stored(ratings: Ratings) -> bytes:
    """Serialize the state as a checkpoint does."""
    state = {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in ratings.state_dict().items()
    }
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def restored(data: bytes, settings: RatingSettings = SETTINGS) -> Ratings:
    state = torch.load(io.BytesIO(data), weights_only=True)
    ratings = Ratings(settings, seed=3)
    ratings.load_state_dict(
        {
            name: value.numpy() if isinstance(value, torch.Tensor) else value
            for name, value in state.items()
        }
    )
    return ratings


@pytest.fixture(autouse=True)
def _one_torch_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_rating_and_state_do_not_depend_on_the_number_of_workers():
    found = []
    for workers in (1, 2, 4):
        ratings = Ratings(SETTINGS, seed=3)
        first = rate(ratings, 4, small_network(1), workers=workers)
        earlier = {network_name(4): small_network(1)}
        second = rate(ratings, 9, small_network(2), earlier, workers=workers)
        found.append((first, second, ratings.elos(), stored(ratings)))
    assert found[0] == found[1] == found[2]


def test_a_rating_after_a_resume_equals_the_uninterrupted_one():
    straight = Ratings(SETTINGS, seed=3)
    rate(straight, 4, small_network(1))
    resumed = restored(stored(straight))
    earlier = {network_name(4): small_network(1)}
    assert rate(straight, 9, small_network(2), earlier) == rate(
        resumed, 9, small_network(2), earlier
    )
    assert stored(straight) == stored(resumed)


def test_no_global_generator_is_used():
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (the global generator is what is tested)
        before = torch.random.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        found.append(rate(Ratings(SETTINGS, seed=3), 4, small_network(1)))
        assert (torch.random.get_rng_state() == before[0]).all()
        assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert found[0] == found[1]


def test_another_seed_or_iteration_deals_other_cards():
    found = {
        rate(Ratings(SETTINGS, seed), iteration, small_network(1)).baselines["random"]
        for seed, iteration in ((3, 4), (4, 4), (3, 9))
    }
    assert len(found) == 3


def test_the_untrained_network_gains_exactly_zero_and_has_elo_about_1000():
    rating = rate(Ratings(SETTINGS, seed=3), 4, small_network(0))
    assert rating.baselines["random"].gain == (0, 0, 0)
    assert rating.baselines["heuristic"].gain == (0, 0, 0)
    assert rating.elo_low < 1000 < rating.elo_high


def test_the_heuristic_player_has_a_far_higher_elo_than_the_random_one():
    ratings = Ratings(SETTINGS, seed=3)
    rate(ratings, 4, small_network(1))
    elos = ratings.elos()
    assert elos["untrained"] == 1000
    assert elos["heuristic"] > elos["random"] + 100


@pytest.mark.parametrize("finished", [0, 20, 290])
def test_an_abandoned_rating_changes_nothing(finished):
    ratings = Ratings(SETTINGS, seed=3)
    rate(ratings, 4, small_network(1))
    before = stored(ratings)
    told: list[int] = []
    given_up = rate(
        ratings,
        9,
        small_network(2),
        should_stop=lambda: sum(told) >= finished,
        told=told,
        workers=2,
    )
    assert given_up is None
    assert sum(told) >= finished
    assert stored(ratings) == before
    assert rate(ratings, 9, small_network(2)) is not None


@pytest.mark.parametrize("earlier", [0, 3])
def test_all_announced_deals_are_reported(earlier):
    ratings = Ratings(SETTINGS, seed=3)
    told: list[int] = []
    networks = {network_name(number): small_network(number + 5) for number in range(earlier)}
    rate(ratings, 9, small_network(1), networks, told=told, workers=2)
    assert sum(told) == ratings.total_deals(with_halfway=False)


@pytest.mark.parametrize("players", [3, 5, 8])
def test_tables_of_any_size_are_rated(players):
    settings = RatingSettings(players=players, cards=3, deals=30, bootstrap=20)
    ratings = Ratings(settings, seed=3)
    rating = rate(ratings, 4, small_network(1))
    assert rating.elo_low <= rating.elo <= rating.elo_high


def test_a_resume_with_other_tables_keeps_the_results_so_far():
    ratings = Ratings(SETTINGS, seed=3)
    rate(ratings, 4, small_network(1))
    settings = RatingSettings(players=5, cards=3, deals=30, bootstrap=20)
    resumed = restored(stored(ratings), settings)
    rate(resumed, 9, small_network(2), {network_name(4): small_network(1)})
    assert list(resumed.elos()) == ["untrained", "random", "heuristic", "iter005", "iter010"]


def test_an_iteration_can_be_rated_once_only():
    ratings = Ratings(SETTINGS, seed=3)
    rate(ratings, 4, small_network(1))
    with pytest.raises(ValueError, match="iter005 was rated before"):
        rate(ratings, 4, small_network(1))


def test_metrics_are_flat_numbers_with_their_intervals():
    metrics = rate(Ratings(SETTINGS, seed=3), 4, small_network(1)).metrics()
    by_cards = [metrics.pop(f"{name}_exact_by_cards") for name in ("said", "made")]
    assert [len(shares) for shares in by_cards] == [SETTINGS.cards] * 2
    assert all(0 < share < 1 for shares in by_cards for share in shares)
    assert set(metrics.pop("pool")) == {"untrained", "random", "heuristic", "iter005"}
    assert len(metrics) == 3 + 2 + 2 * 3 * 3 + 3
    assert {"elo", "elo_low", "points_vs_random", "exact_vs_heuristic_high"} <= set(metrics)
    assert all(type(value) is float and math.isfinite(value) for value in metrics.values())
    assert json.loads(json.dumps(metrics)) == metrics
    for name in ("elo", "points_vs_random", "exact_vs_random", "gain_vs_heuristic"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


def test_a_later_rating_corrects_the_elo_of_an_earlier_network():
    ratings = Ratings(SETTINGS, seed=3)
    first = rate(ratings, 4, small_network(1))
    second = rate(ratings, 9, small_network(2), {network_name(4): small_network(1)})
    assert first.pool["iter005"] == first[:3]
    assert second.pool["iter005"].value == ratings.elos()["iter005"] != first.elo
    corrected = second.metrics()["pool"]["iter005"]
    assert corrected == [round(x, 1) for x in second.pool["iter005"]]


@pytest.mark.parametrize(("threshold", "promoted"), [(0.5, True), (0.51, False)])
def test_a_network_passes_the_gate_if_it_reaches_the_threshold(threshold, promoted):
    settings = RatingSettings(
        deals=60, deals_per_block=13, bootstrap=40, gating_threshold=threshold
    )
    ratings = Ratings(settings, seed=3)
    told: list[int] = []
    rating = rate(ratings, 4, small_network(1), self_play_network=small_network(1), told=told)
    assert rating.gating == ((0.5, 0.5, 0.5), promoted)
    assert rating.metrics()["promoted"] is promoted
    assert sum(told) == ratings.total_deals(with_halfway=False)
    assert "self-play network" not in ratings.elos()


def test_without_gating_the_rest_of_the_rating_is_the_same():
    settings = RatingSettings(deals=60, deals_per_block=13, bootstrap=40, gating_threshold=0.6)
    plain = rate(Ratings(SETTINGS, seed=3), 4, small_network(1))
    gated = rate(Ratings(settings, seed=3), 4, small_network(1), self_play_network=small_network(2))
    assert plain.gating is None
    assert gated.gating is not None
    assert plain == gated._replace(gating=None)


def test_a_rating_contains_nash_conv_of_the_one_card_round():
    metrics = rate(Ratings(SETTINGS, seed=3), 4, small_network(1)).metrics()
    gap = one_card_gap(NetworkEvaluator(small_network(1).parts, ROWS, CPU), SETTINGS.players)
    assert (metrics["one_card_nash_conv"], metrics["one_card_nash_conv_drawn"]) == gap
    assert 0 < gap.likeliest < 40
    assert gap != one_card_gap(
        NetworkEvaluator(small_network(2).parts, ROWS, CPU), SETTINGS.players
    )


def play_match(match) -> Results:
    """Play one match alone, as a rating of iteration 4 does."""
    networks = {"iter005": small_network(1), "untrained": small_network(0)}
    arena = Arena(
        {
            **make_rated_opponents(CPU),
            **{k: network_player(v.parts, CPU) for k, v in networks.items()},
        },
        SETTINGS,
        lambda purpose, block: generator(3, f"rating {purpose}", 4, block),
    )
    pool = LocalPool(1, lambda: None)
    played = arena.play([match], pool, should_stop=lambda: False, on_deals=[].append)
    assert played is not None
    return played[0]


@pytest.mark.parametrize("opponent", ["random", "heuristic"])
def test_a_baseline_is_the_result_of_a_match_against_that_opponent(opponent):
    rating = rate(Ratings(SETTINGS, seed=3), 4, small_network(1))
    baseline = rating.baselines[opponent]
    network = play_match(match_against("iter005", opponent, SETTINGS))
    untrained = play_match(match_against("untrained", opponent, SETTINGS))
    made, before = network.points[:, :, 0].mean(), untrained.points[:, :, 0].mean()
    assert baseline.points.value == pytest.approx(made)
    assert baseline.exact.value == pytest.approx(network.exact[:, :, 0].mean())
    assert baseline.gain.value == pytest.approx(made - before)


def test_no_two_blocks_of_a_match_play_the_same_deals():
    points = play_match(match_against("random", "heuristic", SETTINGS)).points
    blocks = [points[start : start + 8].tobytes() for start in range(0, 60, 13)]
    assert len(set(blocks)) == 5


def test_at_mixed_tables_all_others_sit_equally_often():
    others = ["untrained", "random", "heuristic", "iter005", "iter010", "iter015"]
    match = mixed_match("iter020", others, RatingSettings(deals=600))
    assert (match.lineups[:, 0] == 0).all()
    assert (np.bincount(match.lineups[:, 1:].ravel())[1:] == 300).all()
    assert all(len(set(lineup)) == 4 for lineup in match.lineups.tolist())


def test_matches_against_one_opponent_share_their_deals():
    rated = match_against("iter005", "random", SETTINGS)
    untrained = match_against("untrained", "random", SETTINGS)
    assert rated.purpose == untrained.purpose
    assert rated.lineups[:, 0].tolist() == [0] * 60
    assert (rated.lineups[:, 1:] == 1).all()


def test_in_phase_two_games_are_rated_and_ranked_by_wins():
    settings = RatingSettings(games=12, games_per_block=5, cards=2, bootstrap=30)
    network = small_network(4)
    found = [
        rate(Ratings(settings, seed=3, whole_games=True), 4, network, workers=workers)
        for workers in (1, 3)
    ]
    assert found[0] == found[1]
    arena = Arena(
        {**make_rated_opponents(CPU), "iter005": network_player(network.parts, CPU)},
        RatingSettings(deals=12, deals_per_block=5, cards=2),
        lambda purpose, block: generator(3, f"rating {purpose}", 4, block),
        whole_games=True,
    )
    match = match_against("iter005", "heuristic", RatingSettings(deals=12))
    played = arena.play(
        [match], LocalPool(1, lambda: None), should_stop=lambda: False, on_deals=[].append
    )
    assert played is not None
    baseline = found[0].baselines["heuristic"]
    rounds = 6  # 2, 1, 1, 1, 1, 2 cards
    assert baseline.wins.value == pytest.approx(played[0].wins[:, :, 0].mean())
    assert baseline.points.value == pytest.approx(played[0].points[:, :, 0].mean() / rounds)
    assert baseline.exact.value == pytest.approx(played[0].exact[:, :, 0].mean())
    assert found[0].metrics()["wins_vs_heuristic"] == baseline.wins.value
    assert "games won" in str(found[0])
