"""CPU plans compute what the network computes, in every number format, without Python."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from number_formats import skip_unless_possible
from positions import RandomRound
from torch.nn import functional

from blobmaster.config.network import NetworkSettings
from blobmaster.inference import cpu_program, int8
from blobmaster.inference.backend import check, replay
from blobmaster.inference.cpu_plans import CpuPlans, bind_rows, cpu_plans_for
from blobmaster.inference.cpu_program import Program, Scratch
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.int8 import QuantizedPart
from blobmaster.inference.precision import convert
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import CALL_DOUBLES, CALL_WORDS, call_laid_out
from blobmaster.model.features import WHOLE_FEATURES
from blobmaster.model.layers import NetworkPart, apply_layers
from blobmaster.model.network import BlobNetwork, new_network

CPU = torch.device("cpu")
WORDS = [(-1) ** number * 3**number for number in range(CALL_WORDS)]
DOUBLES = [0.1, -2.5, 1e300]


@kernel
def call_at(address):
    return call_laid_out(address)


def test_a_call_laid_out_in_memory_passes_its_arguments_as_the_c_abi_wants():
    order = [*range(8), "d", 8, 9, "d", *range(10, 14), "d", *range(14, CALL_WORDS)]
    kinds = [ctypes.c_double if kind == "d" else ctypes.c_int64 for kind in order]
    found: list[float] = []
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)(lambda *given: found.extend(given) or -7)
    address = ctypes.cast(function, ctypes.c_void_p).value
    laid_out = np.array([address, *WORDS, *np.array(DOUBLES).view(np.int64)], np.int64)
    assert len(laid_out) == 1 + CALL_WORDS + CALL_DOUBLES
    assert call_at(laid_out.ctypes.data) == -7
    doubles = iter(DOUBLES)
    assert found == [next(doubles) if kind == "d" else WORDS[kind] for kind in order]


def network_of(width: int, blocks: int, seed: int = 1) -> BlobNetwork:
    network = new_network(NetworkSettings(width=width, blocks=blocks), seed)
    with torch.no_grad():
        for block in [*network.critic.blocks, *network.actor.blocks]:
            block.norm.bias.normal_(generator=torch.Generator().manual_seed(seed))
    return network.requires_grad_(False).eval()


def rows_of(seed: int, count: int) -> torch.Tensor:
    return torch.rand(count, WHOLE_FEATURES, generator=torch.Generator().manual_seed(seed))


def in_integers(part: NetworkPart, shown: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Compute the int8 pass by its definition, in float64."""

    def product(x: torch.Tensor, layer: torch.nn.Linear) -> torch.Tensor:
        weight = layer.weight.double()
        scales = weight.abs().amax(dim=1) / int8.largest_weight()
        return x @ ((weight / scales[:, None]).round() * scales[:, None]).T + layer.bias.double()

    def rounded(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
        return ((x / scale + zero).round().clamp(0, 255) - zero) * scale

    def norm(layer: torch.nn.LayerNorm, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, layer.weight.shape, layer.weight.double(), layer.bias)

    x = product(rounded(rows.double(), 1 / 255, 0), part.stem)
    as_shown = part.stem(shown)
    for block in part.blocks:
        normed = block.norm(as_shown)
        hidden = torch.relu(block.contract(normed))
        found = rounded(norm(block.norm, x), 2 * float(normed.abs().max()) / 255, 128)
        found = rounded(product(found, block.contract), float(hidden.max()) / 255, 0)
        x = x + product(found, block.expand)
        as_shown = as_shown + block.expand(hidden)
    largest = float(part.norm(as_shown).max())
    return product(rounded(norm(part.norm, x), largest / 255, 0), part.head)


@pytest.mark.parametrize(("width", "blocks", "count"), [(96, 2, 40), (16, 1, 1), (65, 3, 179)])
@pytest.mark.parametrize("largest", [None, 64], ids=["this-processor", "no-vnni"])
def test_int8_agrees_with_a_float64_computation_of_its_definition(
    width, blocks, count, largest, monkeypatch
):
    skip_unless_possible("int8")
    if largest is not None:
        monkeypatch.setattr(int8, "largest_weight", lambda: largest)
    part = network_of(width, blocks).critic
    shown, rows = rows_of(1, 300), rows_of(2, count)
    with torch.inference_mode():
        found = QuantizedPart(part, shown)(rows)
        wanted = in_integers(part.double(), shown.double(), rows)
    apart = abs(found - wanted).amax(dim=1)
    # Where float32 and float64 round to different sides of a half, an activation is a step off.
    assert (apart < 1e-6).float().mean() > 0.5
    assert apart.max() < 1e-2


def test_int8_sums_of_the_largest_products_are_not_clipped():
    skip_unless_possible("int8")
    part = network_of(32, 1).critic
    ones = torch.ones(2, WHOLE_FEATURES)
    # All products of the first outputs are as large as can be; the others skip every second weight,
    # so that no two neighbours add up. Clipping would make both alike.
    part.stem.weight.fill_(0.01)
    part.stem.weight[16:, ::2] = 0.0
    with torch.inference_mode():
        found = QuantizedPart(part, ones)(ones)
        wanted = in_integers(part.double(), ones.double(), ones)
    assert abs(found - wanted).max() < 1e-2


def test_int8_sums_are_not_clipped_without_vnni_either():
    skip_unless_possible("int8")
    test = f"{__file__}::{test_int8_sums_of_the_largest_products_are_not_clipped.__name__}"
    limited = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}  # read once, when torch is loaded
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", test],
        env=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout or "100%" in done.stdout


def evaluator_of(seed: int) -> NetworkEvaluator:
    return NetworkEvaluator(convert(network_of(64, 2, seed), "int8"), 400, CPU)


def test_threads_run_programs_at_once_without_sharing_memory():
    skip_unless_possible("int8")
    states = RandomRound(3, 4, 9).choices
    evaluators = [evaluator_of(seed) for seed in (1, 2, 3)]
    alone = [evaluator.values(states).copy() for evaluator in evaluators]

    def is_undisturbed(number: int) -> bool:
        same = True
        for turn in range(200):
            some = states[: 1 + turn % len(states)]
            evaluators[number].priors(some)
            same &= np.array_equal(evaluators[number].values(states), alone[number])
        return same

    with ThreadPoolExecutor(3, initializer=lambda: torch.set_num_threads(1)) as threads:
        assert list(threads.map(is_undisturbed, range(3))) == [True] * 3


def test_plans_keep_their_weights_alive_and_release_them_with_themselves():
    skip_unless_possible("int8")
    part = convert(network_of(32, 1), "int8").critic
    weight = part._stem.weights.weight
    before = weight._use_count()
    plans, rows, outputs = CpuPlans(8), rows_of(1, 8), torch.zeros(8, part.outputs)
    plan = plans.plan(part, rows, outputs)
    kept = weight._use_count()
    held = outputs._use_count()
    assert kept > before
    for _ in range(50):
        check(replay(plans.handles, plan))
    assert (weight._use_count(), outputs._use_count()) == (kept, held)
    del plans
    assert weight._use_count() == before


def test_a_plan_runs_inside_and_outside_inference_mode_wherever_it_was_written():
    skip_unless_possible("int8")
    part = convert(network_of(32, 1), "int8").critic
    rows = rows_of(1, 8)
    outside = bind_rows(part, rows)
    with torch.inference_mode():
        inside = bind_rows(part, rows)
        once = outside().clone()
        assert torch.equal(inside(), once)
    assert torch.equal(outside(), once)
    assert torch.equal(inside(), once)


def test_programs_that_request_the_same_scratch_share_it():
    scratch = Scratch(65)
    first = scratch("x", 40, 7, torch.float32)
    assert first.shape == (40, 7)
    assert scratch("x", 65, 7, torch.float32).data_ptr() == first.data_ptr()
    places = {
        scratch(*other).data_ptr()
        for other in [
            ("y", 40, 7, torch.float32),
            ("x", 40, 8, torch.float32),
            ("x", 40, 7, torch.uint8),
        ]
    }
    assert scratch.nbytes == 65 * (4 * 7 + 4 * 7 + 4 * 8 + 7)
    assert len(places | {first.data_ptr()}) == 4


@pytest.mark.parametrize("sees_games", [False, True])
@pytest.mark.parametrize("width", [16, 65, 128])
@pytest.mark.parametrize("count", [1, 40, 179])
def test_a_float32_plan_agrees_with_the_network(count, width, sees_games):
    network = new_network(NetworkSettings(width=width, blocks=2), 3, sees_games=sees_games)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(4))
    for part in (network.actor, network.critic):
        rows = rows_of(2, count).repeat(1, 2)[:, : part.inputs]
        with torch.inference_mode():
            assert torch.allclose(bind_rows(part, rows)(), part(rows), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sees_games", [False, True])
@pytest.mark.parametrize("width", [16, 65, 128])
def test_a_bf16_plan_agrees_with_the_bf16_network_up_to_single_roundings(width, sees_games):
    network = new_network(NetworkSettings(width=width, blocks=2), 3, sees_games=sees_games)
    rows = rows_of(2, 179).repeat(1, 2)[:, : network.critic.inputs]
    part = convert(network, "bf16").critic
    with torch.inference_mode():
        found, wanted, exact = bind_rows(part, rows)(), part(rows), network.critic(rows)
    assert torch.equal(found, found.bfloat16().float())
    assert abs(found - wanted).mean() < 0.1 * abs(exact - wanted).mean()


def test_a_plan_computes_with_the_weights_of_the_moment_it_runs():
    part, rows = network_of(32, 1).critic, rows_of(1, 8)
    again = bind_rows(part, rows)
    once = again().clone()
    with torch.no_grad():
        for weight in part.parameters():
            weight.mul_(1.1)
    assert not torch.allclose(again(), once)
    assert torch.allclose(again(), part(rows), atol=1e-6)


def test_a_torch_without_the_c_interface_evaluates_from_python(monkeypatch):
    states = RandomRound(3, 4, 9).choices
    network = network_of(32, 1)
    by_plans = NetworkEvaluator(network.parts, len(states), CPU)
    priors, values = by_plans.priors(states), by_plans.values(states)
    assert by_plans.passes(3, 3) is not None
    monkeypatch.setattr("blobmaster.inference.cpu_program.AVAILABLE", False)
    from_python = NetworkEvaluator(network.parts, len(states), CPU)
    assert from_python.passes(3, 3) is None
    assert np.allclose(from_python.priors(states), priors, atol=1e-6)
    assert np.allclose(from_python.values(states), values, atol=1e-6)
    with pytest.raises(ValueError, match="C interface lacks"):
        convert(network, "int8")


class Refused:
    """A part whose plan torch refuses: a product of shapes that do not fit."""

    outputs = 4
    kind = torch.uint8

    def __init__(self) -> None:
        self.part = convert(network_of(32, 1), "int8").critic

    def __call__(self, _):
        raise AssertionError("it runs as a plan")

    def write(self, program, rows, outputs):
        self.part.write(program, rows[:, :-1].contiguous(), outputs)


def test_a_plan_that_torch_refuses_raises_an_error_that_says_what_to_do():
    skip_unless_possible("int8")
    rows = rows_of(1, 8)
    with pytest.raises(RuntimeError, match="number_format to bf16 or fp32") as caught:
        bind_rows(Refused(), rows)()
    assert "\n" not in str(caught.value)


def test_a_part_that_cannot_be_planned_runs_from_python():
    written, other = network_of(16, 1).critic, torch.nn.Linear(WHOLE_FEATURES, 2)
    assert cpu_plans_for(CPU, 8, written, written) is not None
    assert cpu_plans_for(CPU, 8, written, other) is None
    assert cpu_plans_for(torch.device("cuda"), 8, written) is None
    rows = rows_of(1, 8)
    assert torch.equal(bind_rows(other, rows)(), other(rows))


@pytest.mark.parametrize("sees_games", [False, True])
def test_described_layers_compute_what_the_part_computes(sees_games):
    network = new_network(NetworkSettings(width=16, blocks=2), 3, sees_games=sees_games)
    for part in (network.actor, network.critic):
        torch.nn.init.normal_(part.head.weight, generator=torch.Generator().manual_seed(4))
        rows = rows_of(2, 7).repeat(1, 2)[:, : part.inputs]
        with torch.inference_mode():
            assert torch.equal(apply_layers(part.layers(), rows), part(rows))


def test_a_program_is_deleted_quietly_when_the_interpreter_has_cleared_its_module(monkeypatch):
    problems = []
    monkeypatch.setattr(sys, "unraisablehook", problems.append)
    program = Program(Scratch(1))
    program.handle(torch.zeros(2))
    monkeypatch.setattr(cpu_program, "_LIBRARY", None)
    del program
    assert problems == []
