"""CPU plans: forward passes in float32, bf16 and int8 as programs of C calls.

A part that describes its layers (`NetworkPart`) is written here, operation by operation; a part in
another format writes itself (`WritesPlan`).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from blobmaster.config.network import NetworkSettings
from blobmaster.inference import cpu_ops, cpu_program
from blobmaster.inference.backend import check, replay
from blobmaster.inference.cpu_program import Program, Scratch
from blobmaster.inference.plan_check import is_as_expected
from blobmaster.model.layers import (
    Forward,
    Layer,
    LayerNorm,
    Linear,
    NetworkPart,
    Relu,
    Residual,
    SplitLinear,
)
from blobmaster.model.network import new_network

log = logging.getLogger(__name__)

SIZES = 64
"""The most batch sizes: oneDNN compiles kernels for each, and caches about a thousand."""

STEPS = 4
"""Steps between two returns to Python; with the default network in float32 a tenth of a second."""

_BUFFERS = "stream", "other", "hidden"
"""Scratch for activations. A layer takes the first one that is neither its input nor the input of a
residual branch that it is in, so residual branches do not nest."""


@runtime_checkable
class WritesPlan(Protocol):
    """A part of a network that writes its own program."""

    outputs: int
    """The width of its logits."""
    kind: torch.dtype
    """The type of its activations; of uint8, it has checked its own results."""

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """Append the pass from `[rows, inputs]` to `[rows, outputs]`, both float32."""
        ...


class CpuPlans:
    """A `Backend` whose plans are programs. Its programs share their scratch memory."""

    sizes_at_most = SIZES
    steps_at_once = STEPS

    def __init__(self, capacity: int) -> None:
        """Args:
        capacity: the most rows of a batch.
        """
        self.handles = np.array(cpu_program.handles(), np.int64)
        self.scratch = Scratch(capacity)
        self._programs: list[Program] = []

    def attach(self) -> None:
        """See `Backend`; any thread can run programs."""

    def plan(self, part: Forward, rows: Tensor, outputs: Tensor) -> int:
        """See `Backend`; `part` is one that `can_plan` accepts. Returns the program's address."""
        program = Program(self.scratch)
        written: object = part
        if isinstance(written, NetworkPart):
            write_layers(program, written.layers(), rows, outputs)
        else:
            assert isinstance(written, WritesPlan)
            written.write(program, rows, outputs)
        self._programs.append(program)
        return program.finish()


def can_plan(part: object) -> bool:
    """Return True if a part's pass can be written as a program with this torch."""
    if not cpu_program.AVAILABLE or not isinstance(part, NetworkPart | WritesPlan):
        return False
    kind = part.kind if isinstance(part, WritesPlan) else torch.float32
    return kind == torch.uint8 or computes_as_torch(kind)


@functools.cache
def computes_as_torch(kind: torch.dtype) -> bool:
    """Return True if programs in float32 or bf16 compute what torch does; log it if they do not.

    It is compared once in a process, on a small network with all kinds of layers.
    """
    network = new_network(NetworkSettings(width=32, blocks=2), 0, sees_games=True)
    part = network.critic.to(kind)
    rows = torch.rand(24, part.inputs, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = part(rows.to(kind)).float()
        found = torch.zeros_like(expected)
        plans = CpuPlans(len(rows))
        program = Program(plans.scratch)
        write_layers(program, part.layers(), rows, found)
        code = replay(plans.handles, program.finish())
    if code == 0 and is_as_expected(found, expected, kind):
        return True
    log.warning(
        "this torch (%s) computes %s wrongly through its C functions: networks are evaluated from "
        "Python, more slowly; install the version of torch in requirements.txt",
        torch.__version__,
        str(kind).removeprefix("torch."),
    )
    return False


def cpu_plans_for(device: torch.device, capacity: int, *parts: object) -> CpuPlans | None:
    """Make the backend of a CPU; None for another device or a part that cannot be planned."""
    if device.type != "cpu" or not all(map(can_plan, parts)):
        return None
    return CpuPlans(capacity)


def bind_rows(part: Forward, rows: Tensor) -> Callable[[], Tensor]:
    """Return a function that runs the pass of `part` over the same rows each time it is called.

    Each call overwrites what the last one returned if the pass can be planned.
    """
    found: object = part
    plans = cpu_plans_for(rows.device, len(rows), part)
    if plans is None:
        return lambda: part(rows)
    assert isinstance(found, NetworkPart | WritesPlan)
    outputs = torch.zeros(len(rows), found.outputs)  # its address is fixed in the plan
    plan = plans.plan(part, rows.contiguous(), outputs)

    def run() -> Tensor:
        check(replay(plans.handles, plan))
        return outputs

    return run


def write_layers(program: Program, layers: Sequence[Layer], rows: Tensor, outputs: Tensor) -> None:
    """Append the pass of a part in the number format of its weights, float32 or bf16.

    Args:
        program: what is appended to.
        layers: begin with a linear layer, in which the rows become float32 or bf16, and end with
            one.
        rows: `[rows, inputs]` float32.
        outputs: `[rows, outputs]` float32.
    """
    head = layers[-1]
    assert isinstance(head, Linear)
    x = _write_stem(program, layers[0], rows)
    for layer in layers[1:-1]:
        x = _write_layer(program, layer, x)
    if x.dtype == outputs.dtype:
        cpu_ops.linear(program, x, head, outputs)
        return
    answers = program.scratch("answers", len(rows), outputs.shape[1], x.dtype)
    cpu_ops.linear(program, x, head, answers)
    cpu_ops.copy(program, answers, outputs)


def _write_stem(program: Program, stem: Layer, rows: Tensor) -> Tensor:
    """Append the first layer, with copies of its inputs where they do not fit; return its result.

    The C function of a product takes both matrices in one type. Parts of rows are copied, too: with
    gaps between the rows the product may round differently.
    """
    assert isinstance(stem, Linear | SplitLinear)
    first = stem if isinstance(stem, Linear) else stem.first
    width, inputs = first.weight.shape
    kind = first.weight.dtype
    given = rows[:, :inputs]
    if isinstance(stem, SplitLinear) or kind != rows.dtype:
        given = program.scratch("given", len(rows), inputs, kind)
        cpu_ops.copy(program, rows[:, :inputs], given)
    x = program.scratch(_BUFFERS[0], len(rows), width, kind)
    cpu_ops.linear(program, given, first, x)
    if isinstance(stem, SplitLinear):
        more = program.scratch("more", len(rows), stem.more.shape[1], kind)
        cpu_ops.copy(program, rows[:, inputs:], more)
        cpu_ops.add_product(program, more, stem.more, x)
    return x


def _write_layer(program: Program, layer: Layer, x: Tensor, kept: Tensor | None = None) -> Tensor:
    """Append a layer of `x` and return its result, `x` itself where it is changed in place.

    `kept` is the input of the residual branch that the layer is in, which must not change.
    """
    match layer:
        case Linear():
            result = _free(program, len(layer.weight), x, kept)
            cpu_ops.linear(program, x, layer, result)
            return result
        case LayerNorm():
            result = _free(program, len(layer.weight), x, kept)
            cpu_ops.normalize(program, x, layer, result)
            return result
        case Relu():
            assert x is not kept, "a residual branch does not begin with a ReLU"
            cpu_ops.relu(program, x)
            return x
        case Residual():
            assert kept is None, "residual branches do not nest"
            branch = x
            for inner in layer.layers:
                branch = _write_layer(program, inner, branch, x)
            cpu_ops.add(program, branch, x)
            return x
        case SplitLinear():
            raise NotImplementedError("a split linear layer is the first of its part")


def _free(program: Program, width: int, x: Tensor, kept: Tensor | None) -> Tensor:
    """Return scratch that is neither `x` nor `kept`."""
    # By address: each request of the same scratch is another tensor object.
    taken = {tensor.data_ptr() for tensor in (x, kept) if tensor is not None}
    buffers = (program.scratch(name, len(x), width, x.dtype) for name in _BUFFERS)
    return next(buffer for buffer in buffers if buffer.data_ptr() not in taken)
