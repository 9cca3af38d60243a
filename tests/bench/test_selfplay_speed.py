"""The parts of the self-play benchmark, on a small network."""

from __future__ import annotations

import torch

from blobmaster.bench.selfplay import (
    measure_formats,
    measure_lookahead,
    measure_scaling,
    measure_selfplay,
    measure_turns,
)
from blobmaster.config.network import NetworkSettings
from blobmaster.config.self_play import SelfPlaySettings

SMALL = NetworkSettings(width=16, blocks=1)


def few_rounds(decide_by: str) -> SelfPlaySettings:
    return SelfPlaySettings(decide_by=decide_by, rounds_per_block=6, lanes=4)


def test_self_play_by_search_is_measured_beside_the_bare_network():
    found = measure_selfplay(SMALL, few_rounds("search"))
    assert "4 players, 5 cards, 3×30" in found["setting"]
    assert 1 <= found["mean_batch"] <= 3 * 4
    assert 1 <= found["mean_batch_of_actor"] <= 3 * 4
    # A round takes some evaluations, and at most those of 20 decisions with 3×31 each.
    assert 60 * 3 < 60 * found["evals_per_s"] / found["rounds_per_min"] < 20 * 3 * 31
    assert found["evaluator_evals_per_s"] > 0


def test_self_play_by_lookahead_is_measured():
    assert measure_lookahead(SMALL, few_rounds("lookahead"))["rounds_per_min"] > 0


def test_scaling_and_memory_are_measured():
    found = measure_scaling(SMALL, few_rounds("search"), many=1280)
    assert found["times_one_worker"] > 0
    assert found["bare_times_one_worker"] > 0
    assert found["last_fifth_of_1280_rounds"] > 0
    assert found["peak_memory_mb"] > 10


def test_blocks_per_worker_are_not_measured_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert measure_turns(SMALL) == {"setting": "no GPU is here"}


def test_every_format_that_is_possible_is_measured():
    found = measure_formats(SMALL)
    assert found["fp32_evals_per_s"] > 0
    assert found["bf16_evals_per_s"] > 0
