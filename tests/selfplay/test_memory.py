"""The memory estimate of blocks in play, from the settings alone, holds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from evaluators import UniformEvaluator
from number_formats import skip_unless_possible

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.rules import STATE
from blobmaster.inference.cpu_plans import CpuPlans
from blobmaster.inference.evaluator import NetworkEvaluator, bytes_per_row
from blobmaster.inference.precision import convert
from blobmaster.model.network import new_network
from blobmaster.search.batch import new_requests, new_search
from blobmaster.selfplay import by_lookahead, by_search
from blobmaster.selfplay.blocks import BlockPlan
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.memory import block_bytes, bytes_of, gpu_bytes
from blobmaster.selfplay.pool import LocalPool

SEARCH = SearchSettings(worlds=3, simulations=30)
NETWORK = NetworkSettings()


@pytest.mark.parametrize("way", ["lookahead", "search"])
def test_memory_grows_by_the_same_amount_per_lane(way):
    few, more, most = (
        block_bytes(RoundMix(), SelfPlaySettings(decide_by=way, lanes=lanes), SEARCH, NETWORK)
        for lanes in (16, 32, 64)
    )
    assert most - more == 2 * (more - few) > 0


def test_games_take_lanes_by_the_games_of_a_block_and_room_for_all_outcomes():
    def held(**changes):
        settings = SelfPlaySettings(**changes)
        return block_bytes(RoundMix(), settings, SEARCH, NETWORK, whole_games=True)

    assert held(lanes=128, games_per_block=32) == held(lanes=32, games_per_block=32)
    assert held(lanes=32, games_per_block=32, rounds_per_block=1) == held(lanes=32)
    outcomes = (7 + 1) * 2**6 + 2  # of six players with seven cards
    assert held(lanes=32) - held(lanes=31) > outcomes * STATE * 8


def test_the_memory_of_too_large_a_block_can_be_said():
    settings = SelfPlaySettings(decide_by="search", lanes=65536, rounds_per_block=65536)
    largest = SearchSettings(worlds=64, simulations=4096)
    assert block_bytes(RoundMix(), settings, largest, NETWORK) > 10**12


class Forgetful(UniformEvaluator):
    """Keeps no states, which would count as memory of the block."""

    def priors(self, states):
        found = super().priors(states)
        self.acted.clear()
        return found

    def values(self, states):
        found = super().values(states)
        self.judged.clear()
        return found


@pytest.mark.parametrize("way", ["rounds by lookahead", "rounds by search", "games"])
@pytest.mark.parametrize("lanes", [4, 64])
def test_the_estimate_of_a_block_is_what_playing_it_allocates(way, lanes):
    games = way == "games"
    mix = RoundMix(players={4: 0.5, 5: 0.5}, most_cards={4: {3: 1.0}, 5: {4: 0.9, 5: 0.1}})
    settings = SelfPlaySettings(
        decide_by="search" if way == "rounds by search" else "lookahead",
        lanes=lanes,
        rounds_per_block=24,
        games_per_block=12,
        opponent_rounds=0.0,
    )
    plan = BlockPlan(mix, settings, 0, whole_games=games)
    dealt = plan.deals(0, 0, plan.block_size)

    def play():
        stop = {"should_stop": lambda: False, "on_rounds": lambda _: None}
        if settings.decide_by == "search":
            return by_search.play_block(Forgetful(), dealt, SEARCH, settings, **stop)
        return by_lookahead.play_block(Forgetful(), dealt, settings, **stop)

    play()  # compiling takes memory too
    tracemalloc.start()
    assert play() is not None
    _, taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    lanes = min(lanes, 12 if games else 24)
    rows = lanes * (SEARCH.worlds if settings.decide_by == "search" else 5 + 1)
    estimate = block_bytes(mix, settings, SEARCH, NETWORK, whole_games=games)
    estimate -= rows * bytes_per_row(NETWORK)
    assert 0.5 * taken < estimate < 1.3 * taken, (taken, estimate)


def test_arrays_are_counted_at_any_depth_of_nested_tuples():
    assert bytes_of((np.zeros(10), (np.zeros(3, np.int8), 7, "text"), 1.5)) == 83


def test_the_estimate_of_trees_is_what_they_take():
    tracemalloc.start()
    made = new_search(64, SEARCH), new_requests(64, SEARCH)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bytes_of(made) == pytest.approx(taken, rel=0.02)


@pytest.mark.parametrize("sees_games", [False, True])
@pytest.mark.parametrize("number_format", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("width", [16, 300, 632])
def test_an_evaluator_holds_no_more_than_the_estimate(width, number_format, sees_games):
    if sees_games and number_format == "int8":
        number_format = "bf16"  # games have no int8
    skip_unless_possible(number_format)
    settings, capacity = NetworkSettings(width=width, blocks=2), 50
    network = convert(new_network(settings, 0, sees_games=sees_games), number_format)
    plans = CpuPlans(capacity)
    evaluator = NetworkEvaluator(network, capacity, torch.device("cpu"), backend=plans)
    for rows in (1, 9, 50):
        assert evaluator.passes(rows, rows) is not None
    passes = evaluator.passes(1, 1)
    held = plans.scratch.nbytes + bytes_of(passes) - passes.handles.nbytes
    estimate = bytes_per_row(settings) * capacity
    assert 0.3 * estimate < held < estimate
    if width == 632 and number_format == "fp32":
        assert held > 0.6 * estimate  # the estimate is not far too high


def test_the_default_is_far_below_a_gibibyte_a_worker():
    search = SelfPlaySettings(decide_by="search")
    largest = SearchSettings(worlds=5, simulations=50)
    assert block_bytes(RoundMix(), search, largest, NETWORK) < 2**27


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a card's memory is taken on a GPU alone")
@pytest.mark.parametrize("way", ["lookahead", "search"])
@pytest.mark.parametrize("lanes", [16, 128, 512])
def test_a_gpu_holds_no_more_than_the_estimate(way, lanes):
    card, workers = torch.device("cuda"), 3
    settings = SelfPlaySettings(decide_by=way, lanes=lanes, rounds_per_block=lanes)
    network = new_network(NetworkSettings(), 0).to(card).eval()
    engine = SelfPlayEngine(
        LocalPool(workers, prepare=lambda: None), RoundMix(), settings, 0, card, "bf16"
    )
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    blocks = engine.play(
        *(0, network, SEARCH, 2 * workers * lanes, range(2 * workers)),
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    assert len(list(blocks)) == 2 * workers
    taken = torch.cuda.memory_reserved() - before
    weights = sum(weight.nbytes for weight in network.parameters())
    assert 0 < taken <= weights + workers * gpu_bytes(RoundMix(), settings, SEARCH)
