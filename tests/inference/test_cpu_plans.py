"""Passes as programs of C calls: torch's own operations, in the same order, without Python."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from number_formats import skip_unless_possible
from positions import RandomRound
from torch.nn import functional

from blobmaster.config.network import NetworkSettings
from blobmaster.inference.cpu_plans import Programs, Scratch, programs_for, repeated
from blobmaster.inference.cuda_graphs import check, replay
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.inference.int8 import QuantizedMLP
from blobmaster.inference.precision import packed
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import CALL_DOUBLES, CALL_WORDS, call_laid_out
from blobmaster.model.features import WHOLE_FEATURES
from blobmaster.model.network import BlobNetwork, ResidualMLP, new_network

CPU = torch.device("cpu")
WORDS = [(-1) ** number * 3**number for number in range(CALL_WORDS)]
DOUBLES = [0.1, -2.5, 1e300]


@kernel
def call_at(address):
    return call_laid_out(address)


def test_a_call_laid_out_in_memory_has_its_arguments_where_c_looks_for_them():
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


def in_integers(part: ResidualMLP, shown: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The pass in 8-bit integers, as its definition says, every number of it a float64."""

    def product(x: torch.Tensor, layer: torch.nn.Linear) -> torch.Tensor:
        weight = layer.weight.double()
        scales = weight.abs().amax(dim=1) / 127
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
def test_int8_computes_what_its_definition_says(width, blocks, count):
    skip_unless_possible("int8")
    part = network_of(width, blocks).critic
    shown, rows = rows_of(1, 300), rows_of(2, count)
    with torch.inference_mode():
        found = QuantizedMLP(part, shown)(rows)
        wanted = in_integers(part.double(), shown.double(), rows)
    apart = abs(found - wanted).amax(dim=1)
    # Where float32 falls on the other side of a half than float64, an activation is a step off.
    assert (apart < 1e-6).float().mean() > 0.5
    assert apart.max() < 1e-2


def evaluator_of(seed: int) -> NetworkEvaluator:
    return NetworkEvaluator(packed(network_of(64, 2, seed), "int8"), 400, CPU)


def test_threads_that_run_programs_at_once_do_not_meet():
    skip_unless_possible("int8")
    states = RandomRound(3, 4, 9).choices
    evaluators = [evaluator_of(seed) for seed in (1, 2, 3)]
    alone = [evaluator.values(states).copy() for evaluator in evaluators]

    def ask(number: int) -> bool:
        same = True
        for turn in range(200):
            some = states[: 1 + turn % len(states)]
            evaluators[number].priors(some)
            same &= np.array_equal(evaluators[number].values(states), alone[number])
        return same

    with ThreadPoolExecutor(3, initializer=lambda: torch.set_num_threads(1)) as threads:
        assert list(threads.map(ask, range(3))) == [True] * 3


def test_programs_keep_the_weights_as_long_as_they_are_there_and_no_longer():
    skip_unless_possible("int8")
    part = packed(network_of(32, 1), "int8").critic
    weight = part._stem.weight
    before = weight._use_count()
    programs, rows, outputs = Programs(8), rows_of(1, 8), torch.zeros(8, part.outputs)
    graph = programs.graph(part, rows, outputs)
    kept = weight._use_count()
    held = outputs._use_count()
    assert kept > before
    for _ in range(50):
        check(replay(programs.handles, graph))
    assert (weight._use_count(), outputs._use_count()) == (kept, held)
    del programs
    assert weight._use_count() == before


def test_a_pass_runs_outside_of_inference_mode_and_within_wherever_it_was_written():
    skip_unless_possible("int8")
    part = packed(network_of(32, 1), "int8").critic
    rows = rows_of(1, 8)
    outside = repeated(part, rows)
    with torch.inference_mode():
        inside = repeated(part, rows)
        once = outside().clone()
        assert torch.equal(inside(), once)
    assert torch.equal(outside(), once)
    assert torch.equal(inside(), once)


def test_programs_that_need_the_same_room_share_it():
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
def test_float32_is_the_networks_own_pass(count, width, sees_games):
    network = new_network(NetworkSettings(width=width, blocks=2), 3, sees_games=sees_games)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(4))
    for part in (network.actor, network.critic):
        rows = rows_of(2, count).repeat(1, 2)[:, : part.inputs]
        with torch.inference_mode():
            assert torch.allclose(repeated(part, rows)(), part(rows), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sees_games", [False, True])
@pytest.mark.parametrize("width", [16, 65, 128])
def test_bf16_is_the_networks_own_pass_but_for_single_roundings(width, sees_games):
    network = new_network(NetworkSettings(width=width, blocks=2), 3, sees_games=sees_games)
    rows = rows_of(2, 179).repeat(1, 2)[:, : network.critic.inputs]
    part = packed(network, "bf16").critic
    with torch.inference_mode():
        found, wanted, exact = repeated(part, rows)(), part(rows), network.critic(rows)
    assert torch.equal(found, found.bfloat16().float())
    assert abs(found - wanted).mean() < 0.1 * abs(exact - wanted).mean()


def test_a_program_answers_by_what_the_weights_are_when_it_runs():
    part, rows = network_of(32, 1).critic, rows_of(1, 8)
    again = repeated(part, rows)
    once = again().clone()
    with torch.no_grad():
        for weight in part.parameters():
            weight.mul_(1.1)
    assert not torch.allclose(again(), once)
    assert torch.allclose(again(), part(rows), atol=1e-6)


def test_a_torch_without_the_c_interface_is_asked_from_python(monkeypatch):
    states = RandomRound(3, 4, 9).choices
    network = network_of(32, 1)
    by_programs = NetworkEvaluator(network, len(states), CPU)
    priors, values = by_programs.priors(states), by_programs.values(states)
    assert by_programs.passes(3, 3) is not None
    monkeypatch.setattr("blobmaster.inference.cpu_plans.POSSIBLE", False)
    from_python = NetworkEvaluator(network, len(states), CPU)
    assert from_python.passes(3, 3) is None
    assert np.allclose(from_python.priors(states), priors, atol=1e-6)
    assert np.allclose(from_python.values(states), values, atol=1e-6)
    with pytest.raises(ValueError, match="C interface lacks"):
        packed(network, "int8")


class Refused:
    """A part whose pass torch cannot make: a product of shapes that do not fit."""

    outputs = 4

    def __init__(self) -> None:
        self.part = packed(network_of(32, 1), "int8").critic

    def __call__(self, _):
        raise AssertionError("it is run as a program")

    def write(self, program, rows, outputs):
        self.part.write(program, rows[:, :-1].contiguous(), outputs)


def test_a_pass_that_torch_refuses_is_an_error_that_says_what_to_do():
    skip_unless_possible("int8")
    rows = rows_of(1, 8)
    with pytest.raises(RuntimeError, match="number_format to bf16 or fp32") as caught:
        repeated(Refused(), rows)()
    assert "\n" not in str(caught.value)


def test_what_cannot_be_written_is_asked_as_it_is():
    written, other = network_of(16, 1).critic, torch.nn.Linear(WHOLE_FEATURES, 2)
    assert programs_for(CPU, 8, written, written) is not None
    assert programs_for(CPU, 8, written, other) is None
    assert programs_for(torch.device("cuda"), 8, written) is None
    rows = rows_of(1, 8)
    assert torch.equal(repeated(other, rows)(), other(rows))
