"""Number formats: answers stay close to float32, and depend on the weights alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from number_formats import skip_unless_possible
from positions import RandomRound

from blobmaster.config.network import NetworkSettings
from blobmaster.game.rules import DEALT, PLAYERS
from blobmaster.inference.batches import BATCH_MULTIPLE, padded, step_of
from blobmaster.inference.calibration_positions import random_positions
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.precision import (
    PROVEN,
    convert,
    evaluations_per_second,
    fastest,
    reconvert,
)
from blobmaster.model.features import FEATURES, WHOLE_FEATURES
from blobmaster.model.heads import CRITIC_OUTPUTS
from blobmaster.model.network import BlobNetwork, new_network

CPU = torch.device("cpu")
CHEAP = ("bf16", "int8")


def sharp_network(seed: int = 1, width: int = 96) -> BlobNetwork:
    """Make a network whose answers differ from row to row as much as a trained one's."""
    network = new_network(NetworkSettings(width=width, blocks=2), seed)
    with torch.no_grad():
        for part in (network.actor, network.critic):
            part.head.weight.mul_(40)
            for block in part.blocks:
                block.norm.bias.normal_(generator=torch.Generator().manual_seed(seed))
    return network.requires_grad_(False).eval()


def rows_of(seed: int, count: int = 40) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return (torch.rand(count, WHOLE_FEATURES, generator=draws) < 0.1).float()


@pytest.fixture(params=CHEAP)
def number_format(request) -> str:
    skip_unless_possible(request.param)
    return request.param


def test_a_cheap_format_stays_close_to_float32(number_format):
    network = sharp_network()
    states = RandomRound(5, 4, 8).choices
    plain = NetworkEvaluator(network.parts, len(states), CPU)
    cheap = NetworkEvaluator(convert(network, number_format), len(states), CPU)
    priors, values = plain.priors(states), plain.values(states)
    assert priors.max(axis=1).mean() > 0.5  # else near-uniform priors would pass too
    near_priors, near_values = cheap.priors(states), cheap.values(states)
    assert abs(near_priors - priors).sum(axis=1).mean() < 0.06
    scale = 10 + states[:, DEALT, None]
    assert abs(scale * (near_values - values)).mean() < 0.15  # points
    assert abs(near_priors - priors).max() > 0  # the formats do differ


def test_a_rows_answer_does_not_depend_on_the_rows_beside_it(number_format):
    parts = convert(sharp_network(), number_format)
    rows, others = rows_of(1), rows_of(2)
    others[7] = rows[7]
    others[8:] *= 0
    with torch.inference_mode():
        assert torch.equal(parts.critic(rows)[7], parts.critic(others)[7])
        assert torch.equal(parts.actor(rows[:, :FEATURES])[7], parts.actor(others[:, :FEATURES])[7])


def test_answers_do_not_depend_on_the_threads_of_the_conversion(number_format):
    rows, found = rows_of(3), []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        parts = convert(sharp_network(width=300), number_format)
        assert torch.get_num_threads() == threads
        torch.set_num_threads(1)
        with torch.inference_mode():
            found.append(parts.critic(rows))
    torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_converted_copy_does_not_change_as_the_network_learns(number_format):
    network, rows = sharp_network(), rows_of(4)
    parts = convert(network, number_format)
    with torch.inference_mode():
        before = parts.critic(rows)
        for weight in network.parameters():
            weight.mul_(1.5)
        assert torch.equal(parts.critic(rows), before)
        assert not torch.equal(convert(network, number_format).critic(rows), before)


def test_a_reconverted_network_answers_as_a_newly_converted_one(number_format):
    network, rows = sharp_network(), rows_of(6)
    parts = convert(network, number_format)
    with torch.inference_mode():
        network.load_state_dict(sharp_network(seed=2).state_dict())
        again = reconvert(parts, network, number_format)
        assert torch.equal(again.critic(rows), convert(network, number_format).critic(rows))
        views = rows[:, :FEATURES]
        assert torch.equal(again.actor(views), convert(network, number_format).actor(views))


def test_bf16_is_reconverted_in_the_same_memory():
    parts = convert(sharp_network(), "bf16")
    assert reconvert(parts, sharp_network(seed=2), "bf16") is parts


def test_float32_parts_are_the_networks_own():
    network = sharp_network(seed=2)
    assert reconvert(convert(sharp_network(), "fp32"), network, "fp32") == network.parts


@pytest.mark.parametrize("sizes", [1, 12, 64])
@pytest.mark.parametrize("capacity", [1, 5, 8, 192, 512, 3000, 65536])
def test_padded_batches_hold_their_rows_and_have_few_sizes(capacity, sizes):
    counts = range(1, capacity + 1)
    found = [padded(count, step_of(capacity, sizes), capacity) for count in counts]
    assert all(count <= size <= capacity for count, size in zip(counts, found, strict=True))
    assert len(set(found)) <= sizes
    assert max(size - count for count, size in zip(counts, found, strict=True)) <= max(
        BATCH_MULTIPLE, 2 * capacity // sizes
    )


def test_padding_rows_do_not_change_answers(number_format):
    parts = convert(sharp_network(), number_format)
    states = RandomRound(5, 4, 8).choices
    evaluator = NetworkEvaluator(parts, len(states) + 40, CPU)
    few = 5
    once = evaluator.values(states[:few]).copy()
    evaluator.values(states[::-1].copy())  # leaves its rows in the buffer
    assert np.array_equal(evaluator.values(states[:few]), once)
    again = NetworkEvaluator(parts, len(states) + 40, CPU)
    assert np.array_equal(again.values(states[:few]), once)


def test_layers_with_zero_weights_or_inputs_do_not_divide_by_zero(number_format):
    network = sharp_network()
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    with torch.inference_mode():
        assert torch.equal(
            convert(network, number_format).critic(rows_of(5)), torch.zeros(40, CRITIC_OUTPUTS)
        )


def test_activations_beyond_the_calibrated_range_are_clipped_and_stay_finite(number_format):
    parts = convert(sharp_network(), number_format)
    with torch.inference_mode():
        assert torch.isfinite(parts.critic(torch.ones(9, WHOLE_FEATURES))).all()


def test_int8_is_refused_in_one_line_on_a_device_without_it():
    elsewhere = sharp_network().to("meta")
    with pytest.raises(ValueError, match="set it to bf16 or fp32") as caught:
        convert(elsewhere, "int8")
    assert "\n" not in str(caught.value)


def test_calibration_positions_are_reproducible_decisions_of_rounds_of_all_sizes():
    states = random_positions(3000)
    assert (states == random_positions(3000)).all()
    assert (states[:500] == random_positions(500)).all()
    assert set(states[:, PLAYERS].tolist()) == set(range(3, 9))
    assert set(states[:, DEALT].tolist()) == set(range(1, 9))


def test_the_fastest_possible_format_is_chosen():
    speeds = evaluations_per_second(sharp_network(width=16), 8, ("fp32", "bf16", "int8"))
    assert {"fp32", "bf16"} <= set(speeds) <= {"fp32", "bf16", "int8"}
    assert all(speed > 0 for speed in speeds.values())
    assert all("fp32" in formats for formats in PROVEN.values())
    assert fastest({"fp32": 3.0, "bf16": 5.0, "int8": 4.0}) == "bf16"
