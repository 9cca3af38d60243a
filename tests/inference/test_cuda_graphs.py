"""CUDA graphs give the same answers as eager passes, with the current weights, on any thread."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from positions import RandomRound

from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.inference.cuda_graphs import CudaGraphs
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import convert, reconvert
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")

CUDA = torch.device("cuda")
FORMATS = ("fp32", "bf16")


def network_of(seed: int) -> BlobNetwork:
    return new_network(NetworkSettings(width=64, blocks=2), seed).to(CUDA).eval()


def states_of(seed: int) -> np.ndarray:
    return np.concatenate([RandomRound(seed + i, 4, 6).choices for i in range(9)])


@pytest.mark.parametrize("number_format", FORMATS)
def test_a_recorded_pass_gives_the_answers_of_an_eager_one(number_format):
    parts = convert(network_of(1), number_format)
    states = states_of(1)
    plain = NetworkEvaluator(parts, len(states), CUDA)
    recorded = NetworkEvaluator(parts, len(states), CUDA, backend=CudaGraphs(CUDA))
    for count in (len(states), 3, 40, 3, 1, 0):
        np.testing.assert_allclose(
            recorded.priors(states[:count]), plain.priors(states[:count]), atol=2e-3
        )
        np.testing.assert_allclose(
            recorded.values(states[:count]), plain.values(states[:count]), atol=2e-3
        )


@pytest.mark.parametrize("number_format", FORMATS)
def test_both_passes_together_give_the_answers_of_one_after_the_other(number_format):
    parts = convert(network_of(1), number_format)
    states = states_of(1)
    recorded = NetworkEvaluator(parts, len(states), CUDA, backend=CudaGraphs(CUDA))
    for acting, judged in ((5, len(states)), (0, 9), (40, 0), (7, 3), (5, 5)):
        priors = recorded.priors(states[:acting]).copy()
        values = recorded.values(states[-judged or len(states) :]).copy()
        together = recorded.evaluate(states[:acting], states[-judged or len(states) :])
        assert np.array_equal(together[0], priors)
        assert np.array_equal(together[1], values)


@pytest.mark.parametrize("number_format", FORMATS)
def test_a_recorded_pass_computes_with_the_current_weights(number_format):
    network, other = network_of(1), network_of(2)
    states = states_of(3)
    parts = convert(network, number_format)
    recorded = NetworkEvaluator(parts, len(states), CUDA, backend=CudaGraphs(CUDA))
    before = recorded.values(states).copy()
    network.load_state_dict(other.state_dict())
    assert reconvert(parts, network, number_format) is parts
    torch.cuda.synchronize()
    after = recorded.values(states).copy()
    fresh = NetworkEvaluator(
        convert(other, number_format), len(states), CUDA, backend=CudaGraphs(CUDA)
    )
    assert not np.array_equal(before, after)
    assert np.array_equal(after, fresh.values(states))


@pytest.mark.parametrize("number_format", FORMATS)
@pytest.mark.parametrize("decide_by", ["lookahead", "search"])
def test_blocks_do_not_depend_on_the_number_of_workers(number_format, decide_by):
    mix = RoundMix(players={4: 1.0}, most_cards={4: {5: 1.0}})
    settings = SelfPlaySettings(decide_by=decide_by, rounds_per_block=24, lanes=16)

    def played(workers: int) -> list[str]:
        engine = SelfPlayEngine(
            LocalPool(workers, prepare=lambda: None), mix, settings, 0, CUDA, number_format
        )
        found: dict[int, str] = {}
        for seed in (1, 2):  # the second network by the graphs recorded for the first
            network = network_of(seed)
            blocks = engine.play(
                0,
                network,
                SearchSettings(worlds=2, simulations=8),
                24 * 12,
                range(12),
                should_stop=lambda: False,
                on_rounds=lambda _: None,
            )
            found |= {
                100 * seed + block: hashlib.sha256(rounds.data.tobytes()).hexdigest()
                for block, rounds in blocks
            }
        return [found[block] for block in sorted(found)]

    alone = played(1)
    assert len(set(alone)) == 24
    assert played(12) == alone
    assert played(5) == alone
