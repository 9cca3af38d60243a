"""Operations of a CPU plan in float32 and bf16 (`blobmaster.inference.cpu_plans`).

Matrix products are torch's, bit for bit as from Python; norms, sums and activations are compiled
here. In bf16 each result is rounded to bf16, as torch's layers do, and sums are taken in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import carray
from torch import Tensor

from blobmaster.inference.cpu_program import Program
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import c_function, vector_kernel
from blobmaster.kernels.intrinsics import bits_of_float, float_of_bits
from blobmaster.model.layers import LayerNorm, Linear

EPSILON = 1e-5
"""Added to the variance by layer norms: torch's default, a constant of the kernels here."""

_SIGN = 1 << 15
"""The sign bit of a bf16."""


def copy(program: Program, x: Tensor, result: Tensor) -> None:
    """Append `result = x`, for any types and strides."""
    program.call_torch_in_place("aoti_torch_copy_", program.handle(result), program.handle(x), 0)


def linear(program: Program, x: Tensor, layer: Linear, result: Tensor) -> None:
    """Append `result = x @ weight.T + bias`: the bias in every row, then the product added to it.

    That is the order of torch's `addmm`; a bias added after the product would round differently.
    """
    row = program.data(layer.bias.detach())
    width = result.shape[1] * result.itemsize
    program.call(_repeat.address, row, program.data(result), len(result), width)
    add_product(program, x, layer.weight, result)


def add_product(program: Program, x: Tensor, weight: Tensor, total: Tensor) -> None:
    """Append `total += x @ weight.T`."""
    handles = map(program.handle, (total, total, x, weight.detach().t()))
    program.call_torch_in_place("aoti_torch_cpu_addmm_out", *handles, doubles=(1.0, 1.0))


def relu(program: Program, x: Tensor) -> None:
    """Append an in-place ReLU."""
    function = _relu_16 if x.dtype == torch.bfloat16 else _relu_32
    program.call(function.address, program.data(x), x.numel())


def add(program: Program, x: Tensor, total: Tensor) -> None:
    """Append `total += x`."""
    function = _add_16 if x.dtype == torch.bfloat16 else _add_32
    program.call(function.address, program.data(x), program.data(total), x.numel())


def normalize(program: Program, x: Tensor, layer: LayerNorm, result: Tensor) -> None:
    """Append the layer norm of each row of `x`.

    Raises:
        NotImplementedError: the layer adds another constant to the variance than `EPSILON`.
    """
    if layer.epsilon != EPSILON:
        raise NotImplementedError(f"CPU plans know layer norms with epsilon {EPSILON} only")
    function = _normalize_16 if x.dtype == torch.bfloat16 else _normalize_32
    tensors = x, layer.weight.detach(), layer.bias.detach(), result
    program.call(function.address, *map(program.data, tensors), *x.shape)


@c_function("int32(voidptr, voidptr, int64, int64)")
def _repeat(row: Any, result: Any, rows: int, width: int) -> int:
    """Copy a row of `width` bytes into each of `[rows, width]`."""
    for number in range(rows):
        copy_row(carray(row, width, np.uint8), carray(result, (rows, width), np.uint8)[number])
    return 0


@c_function("int32(voidptr, int64)")
def _relu_32(x: Any, count: int) -> int:
    values = carray(x, count, np.float32)
    for i in range(count):
        values[i] = max(values[i], np.float32(0))
    return 0


@c_function("int32(voidptr, int64)")
def _relu_16(x: Any, count: int) -> int:
    # Compares the sign bit alone: numba has no bf16, and a conversion would cost more.
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
    # Summed in float32 and rounded once, as torch adds two bf16 tensors.
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
        # Widened to float32 once: the mean, the variance and the result all read it.
        for i in range(width):
            row[i] = _widen(narrow[i])
        mean, scale = mean_and_scale(row)
        for i in range(width):
            value = (row[i] - mean) * scale * _widen(weights[i]) + _widen(biases[i])
            normed[i] = _narrow(value)
    return 0


@vector_kernel
def mean_and_scale(row: Any) -> tuple[Any, Any]:
    """Return the mean of a float32 row, and one over its standard deviation."""
    # In two passes: the mean of squares minus the square of the mean would cancel in float32.
    width = np.float32(len(row))
    total = np.float32(0)
    for i in range(len(row)):
        total += row[i]
    mean = total / width
    total = np.float32(0)
    for i in range(len(row)):
        total += (row[i] - mean) * (row[i] - mean)
    return mean, np.float32(1) / np.sqrt(total / width + np.float32(EPSILON))


@vector_kernel
def _widen(bits: Any) -> Any:
    """Return the float32 of a bf16: its bits are the upper half of the float32's."""
    return float_of_bits(np.uint32(bits) << np.uint32(16))


@vector_kernel
def _narrow(value: Any) -> Any:
    """Return the bits of the nearest bf16, ties to even, as torch rounds."""
    # Adding 0x7FFF and the last kept bit carries into that bit if the half that is cut off is more
    # than a tie, or a tie with that bit set.
    bits = bits_of_float(value)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(rounded >> np.uint32(16))
