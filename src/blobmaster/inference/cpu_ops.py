"""Operations of a CPU plan in float32 and bf16 (`blobmaster.inference.cpu_plans`).

Products are torch's, with the bits that they have from Python; norms, sums and activations are
compiled here. In bf16 each result is rounded to it, as torch's layers do, and sums are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import carray
from torch import Tensor, nn

from blobmaster.inference.cpu_plans import Program
from blobmaster.kernels.compile import c_function, vector_kernel
from blobmaster.kernels.intrinsics import bits_of_float, float_of_bits

_EPSILON = 1e-5
"""What layer norms add to the variance."""

_SIGN = 1 << 15
"""Of a bf16."""


def copy(program: Program, x: Tensor, result: Tensor) -> None:
    """Append `result = x`, of whatever types and strides."""
    program.call_torch_in_place("aoti_torch_copy_", program.handle(result), program.handle(x), 0)


def linear(program: Program, x: Tensor, layer: nn.Linear, result: Tensor) -> None:
    """Append `result = layer(x)`."""
    row = program.data(layer.bias.detach())
    width = result.shape[1] * result.itemsize
    program.call(_repeat.address, row, program.data(result), len(result), width)
    add_product(program, x, layer, result)


def add_product(program: Program, x: Tensor, layer: nn.Linear, total: Tensor) -> None:
    """Append `total += x × weights`."""
    weight = layer.weight.detach().t()
    handles = map(program.handle, (total, total, x, weight))
    program.call_torch_in_place("aoti_torch_cpu_addmm_out", *handles, doubles=(1.0, 1.0))


def relu(program: Program, x: Tensor) -> None:
    """Append that nothing of `x` is below 0."""
    function = _relu_16 if x.dtype == torch.bfloat16 else _relu_32
    program.call(function.address, program.data(x), x.numel())


def add(program: Program, x: Tensor, total: Tensor) -> None:
    """Append `total += x`."""
    function = _add_16 if x.dtype == torch.bfloat16 else _add_32
    program.call(function.address, program.data(x), program.data(total), x.numel())


def normalize(program: Program, x: Tensor, layer: nn.LayerNorm, result: Tensor) -> None:
    """Append `result = layer(x)`."""
    function = _normalize_16 if x.dtype == torch.bfloat16 else _normalize_32
    tensors = x, layer.weight.detach(), layer.bias.detach(), result
    program.call(function.address, *map(program.data, tensors), *x.shape)


@c_function("int32(voidptr, voidptr, int64, int64)")
def _repeat(row: Any, result: Any, rows: int, width: int) -> int:
    """A row of so many bytes, so many times."""
    for number in range(rows):
        carray(result, (rows, width), np.uint8)[number] = carray(row, width, np.uint8)
    return 0


@c_function("int32(voidptr, int64)")
def _relu_32(x: Any, count: int) -> int:
    values = carray(x, count, np.float32)
    for i in range(count):
        values[i] = max(values[i], np.float32(0))
    return 0


@c_function("int32(voidptr, int64)")
def _relu_16(x: Any, count: int) -> int:
    values = carray(x, count, np.uint16)
    for i in range(count):
        values[i] = 0 if values[i] & _SIGN else values[i]
    return 0


@c_function("int32(voidptr, voidptr, int64)")
def _add_32(x: Any, total: Any, count: int) -> int:
    more, values = carray(x, count, np.float32), carray(total, count, np.float32)
    for i in range(count):
        values[i] += more[i]
    return 0


@c_function("int32(voidptr, voidptr, int64)")
def _add_16(x: Any, total: Any, count: int) -> int:
    more, values = carray(x, count, np.uint16), carray(total, count, np.uint16)
    for i in range(count):
        values[i] = _narrow(_widen(values[i]) + _widen(more[i]))
    return 0


@c_function("int32(voidptr, voidptr, voidptr, voidptr, int64, int64)")
def _normalize_32(x: Any, weight: Any, bias: Any, result: Any, rows: int, width: int) -> int:
    weights, biases = carray(weight, width, np.float32), carray(bias, width, np.float32)
    for number in range(rows):
        row = carray(x, (rows, width), np.float32)[number]
        normed = carray(result, (rows, width), np.float32)[number]
        mean, scale = mean_and_scale(row)
        for i in range(width):
            normed[i] = (row[i] - mean) * scale * weights[i] + biases[i]
    return 0


@c_function("int32(voidptr, voidptr, voidptr, voidptr, int64, int64)")
def _normalize_16(x: Any, weight: Any, bias: Any, result: Any, rows: int, width: int) -> int:
    weights, biases = carray(weight, width, np.uint16), carray(bias, width, np.uint16)
    row = np.empty(width, np.float32)
    for number in range(rows):
        narrow = carray(x, (rows, width), np.uint16)[number]
        normed = carray(result, (rows, width), np.uint16)[number]
        for i in range(width):
            row[i] = _widen(narrow[i])
        mean, scale = mean_and_scale(row)
        for i in range(width):
            value = (row[i] - mean) * scale * _widen(weights[i]) + _widen(biases[i])
            normed[i] = _narrow(value)
    return 0


@vector_kernel
def mean_and_scale(row: Any) -> tuple[Any, Any]:
    """The mean of a float32 row, and one over its standard deviation."""
    width = np.float32(len(row))
    total = np.float32(0)
    for i in range(len(row)):
        total += row[i]
    mean = total / width
    total = np.float32(0)
    for i in range(len(row)):
        total += (row[i] - mean) * (row[i] - mean)
    return mean, np.float32(1) / np.sqrt(total / width + np.float32(_EPSILON))


@vector_kernel
def _widen(bits: Any) -> Any:
    """A bf16 number, which is the upper half of a float32."""
    return float_of_bits(np.uint32(bits) << np.uint32(16))


@vector_kernel
def _narrow(value: Any) -> Any:
    """The nearest bf16; of two as near the one that ends in 0."""
    bits = bits_of_float(value)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(rounded >> np.uint32(16))
