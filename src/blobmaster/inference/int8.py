"""A network part in int8: 8-bit weights and activations, summed in 32 bits by oneDNN.

Weights have a scale for each output. Activations have one for each layer, set once from what
the layer's inputs are on some positions, so that a row's answer does not depend on the rows beside
it. Norms and the residual stream stay float32 (as in Dettmers et al. 2022, what overflows is cut).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numba import carray
from torch import Tensor, nn

from blobmaster.inference import cpu_plans as programs
from blobmaster.inference.cpu_ops import mean_and_scale
from blobmaster.inference.cpu_plans import Program, repeated
from blobmaster.kernels.compile import c_function
from blobmaster.model.network import ResidualBlock, ResidualMLP

_LEVELS = 255
"""Activations are 0 to 255, weights -127 to 127."""

_MIDDLE = 128
"""What stands for 0 where an activation may be negative."""


class _Linear(NamedTuple):
    """A layer as oneDNN takes it."""

    weight: Tensor
    scales: Tensor
    zeros: Tensor
    bias: Tensor


class _Steps(NamedTuple):
    """What 8-bit integers stand for: `scale` times what they are above `zero`. For oneDNN."""

    scale: Tensor
    zero: Tensor


class _Norm(NamedTuple):
    """A layer norm whose result is in steps above their zero, and half a step: cutting it to an
    integer then rounds, and with a zero of 0 is a ReLU too."""

    weight: Tensor
    bias: Tensor
    steps: _Steps


class _Block(NamedTuple):
    norm: _Norm
    contract: _Linear
    hidden: _Steps
    expand: _Linear


class QuantizedMLP:
    """What `part` was when this was made; `[rows, inputs]` to `[rows, outputs]`, float32."""

    def __init__(self, part: ResidualMLP, rows: Tensor) -> None:
        """Args:
        part: on the CPU.
        rows: `[.., inputs]` that show how large activations become.

        Raises:
            RuntimeError, NotImplementedError, AttributeError: this torch or processor cannot.
        """
        if not programs.POSSIBLE:
            raise NotImplementedError("its C interface lacks what a pass calls")
        self._width = part.stem.out_features
        self.outputs = part.head.out_features
        self._features = _steps(1.0 / _LEVELS, 0)  # features lie between 0 and 1
        self._stem = _linear(part.stem)
        x = part.stem(rows)
        self._blocks: list[_Block] = []
        for block in part.blocks:
            assert isinstance(block, ResidualBlock)
            normed = block.norm(x)
            hidden = torch.relu(block.contract(normed))
            largest = float(normed.abs().max())
            self._blocks.append(
                _Block(
                    _norm(block.norm, 2 * largest / _LEVELS, _MIDDLE),
                    _linear(block.contract),
                    _steps(_step(float(hidden.max())), 0),
                    _linear(block.expand),
                )
            )
            x = x + block.expand(hidden)
        self._norm = _norm(part.norm, _step(float(part.norm(x).max())), 0)
        self._head = _linear(part.head)
        self(rows)  # says now if a pass cannot be

    def __call__(self, rows: Tensor) -> Tensor:
        """Logits. Each call writes a program: whoever asks often keeps one."""
        return repeated(self, rows)()

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """See `Programmable`."""
        count, width = len(rows), self._width
        features = program.scratch("features", count, rows.shape[1], torch.uint8)
        x = program.scratch("stream", count, width, torch.float32)
        normed = program.scratch("normed", count, width, torch.uint8)
        hidden = program.scratch("hidden", count, width, torch.uint8)
        places = map(program.data, (rows, features))
        program.call(_round_features.address, *places, rows.numel())
        _clear(program, x)
        _add_product(program, features, self._features, self._stem, x)
        for norm, contract, hidden_steps, expand in self._blocks:
            _normalize(program, x, norm, normed)
            _multiply_relu(program, normed, norm.steps, contract, hidden, hidden_steps)
            _add_product(program, hidden, hidden_steps, expand, x)
        _normalize(program, x, self._norm, normed)
        _clear(program, outputs)
        _add_product(program, normed, self._norm.steps, self._head, outputs)


def _step(largest: float) -> float:
    return max(largest, 1e-6) / _LEVELS


def _steps(scale: float, zero: int) -> _Steps:
    return _Steps(torch.tensor(scale, dtype=torch.float64), torch.tensor(zero))


def _linear(layer: nn.Linear) -> _Linear:
    weight = layer.weight.detach()
    scales = weight.abs().amax(dim=1).clamp(min=1e-12) / 127
    rounded = (weight / scales[:, None]).round().to(torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(rounded, None)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    return _Linear(packed, scales, zeros, layer.bias.detach().clone())


def _norm(layer: nn.LayerNorm, scale: float, zero: int) -> _Norm:
    scale = max(scale, 1e-6)
    weight, bias = layer.weight.detach(), layer.bias.detach()
    return _Norm(weight / scale, bias / scale + (zero + 0.5), _steps(scale, zero))


def _clear(program: Program, tensor: Tensor) -> None:
    program.call(_set_zero.address, program.data(tensor), tensor.nbytes)


def _normalize(program: Program, x: Tensor, norm: _Norm, normed: Tensor) -> None:
    places = map(program.data, (x, norm.weight, norm.bias, normed))
    program.call(_normalize_rows.address, *places, *x.shape)


def _add_product(program: Program, x: Tensor, steps: _Steps, layer: _Linear, total: Tensor) -> None:
    """Append `total += layer(x)`, `x` in steps and `total` in float32."""
    _multiply(program, x, steps, layer, total, 1.0, b"none")


def _multiply_relu(
    program: Program, x: Tensor, steps: _Steps, layer: _Linear, result: Tensor, result_steps: _Steps
) -> None:
    """Append `result = relu(layer(x))`, both in steps of their own."""
    _clear(program, result)
    _multiply(program, x, steps, layer, result, float(result_steps.scale), b"relu")


def _multiply(
    program: Program,
    x: Tensor,
    steps: _Steps,
    layer: _Linear,
    total: Tensor,
    scale: float,
    activation: bytes,
) -> None:
    """Append what adds to `total`: the one of torch's products that makes no new memory."""
    program.call_torch(
        "aoti_torch_cpu__qlinear_pointwise_binary_tensor",
        *map(program.handle, (x, *steps, layer.weight, layer.scales, layer.zeros)),
        *map(program.optional, (total, layer.bias)),
        0,  # where the result has its zero
        program.number_of(total.dtype),
        0,  # and where the total had it
        program.text(b"sum"),
        program.text(activation),
        *(0, 0),  # no arguments of that
        program.text(b""),
        doubles=(scale, scale, 1.0),  # the result's steps, the total's, and how often that counts
    )


@c_function("int32(voidptr, int64)")
def _set_zero(place: Any, length: int) -> int:
    carray(place, length, np.uint8)[:] = 0
    return 0


@c_function("int32(voidptr, voidptr, int64)")
def _round_features(rows: Any, features: Any, count: int) -> int:
    """From 0 to 1, to the nearest of 256 steps."""
    found, rounded = carray(rows, count, np.float32), carray(features, count, np.uint8)
    for i in range(count):
        rounded[i] = np.uint8(np.int32(found[i] * np.float32(_LEVELS) + np.float32(0.5)))
    return 0


@c_function("int32(voidptr, voidptr, voidptr, voidptr, int64, int64)")
def _normalize_rows(x: Any, weight: Any, bias: Any, normed: Any, rows: int, width: int) -> int:
    """The layer norm of `[rows, width]` by a `_Norm`, cut to what a byte holds."""
    weights, biases = carray(weight, width, np.float32), carray(bias, width, np.float32)
    for number in range(rows):
        row = carray(x, (rows, width), np.float32)[number]
        steps = carray(normed, (rows, width), np.uint8)[number]
        mean, scale = mean_and_scale(row)
        for i in range(width):
            value = (row[i] - mean) * scale * weights[i] + biases[i]
            value = min(max(value, np.float32(0)), np.float32(_LEVELS))
            steps[i] = np.uint8(np.int32(value))
    return 0
