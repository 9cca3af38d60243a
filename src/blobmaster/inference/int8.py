"""A network part in int8: 8-bit weights and activations, summed in 32 bits by oneDNN.

Weights have one scale per output; without VNNI instructions they use half of their range, see
`largest_weight`. Activations have one per layer, set once from the layer's inputs on calibration
positions, so a row's answer does not depend on the rows beside it. Norms and the residual stream
stay float32 (as in Dettmers et al. 2022); activations beyond the scale are clipped.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numba import carray
from torch import Tensor

from blobmaster.inference import cpu_program
from blobmaster.inference.cpu_ops import mean_and_scale
from blobmaster.inference.cpu_plans import bind_rows
from blobmaster.inference.cpu_program import Program
from blobmaster.inference.plan_check import WrongResultsError, is_as_expected
from blobmaster.kernels.compile import c_function
from blobmaster.model.layers import (
    Layer,
    LayerNorm,
    Linear,
    NetworkPart,
    Relu,
    Residual,
    apply_layer,
    apply_layers,
)

_LEVELS = 255
"""Activations are 0 to 255."""

_EXACT, _NARROW = 127, 64
"""The largest weight, with and without exact sums (see `largest_weight`)."""

_MIDDLE = 128
"""The zero point of activations that may be negative."""


class _Weights(NamedTuple):
    """A linear layer as oneDNN takes it: `weight × scales` in float32, a scale per output."""

    weight: Tensor
    scales: Tensor
    zeros: Tensor
    bias: Tensor


class _Steps(NamedTuple):
    """Quantization of an activation, `scale × (integer - zero)`, as tensors for oneDNN."""

    scale: Tensor
    zero: Tensor


class _Norm(NamedTuple):
    """A layer norm from the float32 stream to 8 bits.

    The scale, the zero point and half a step are folded into weight and bias: truncation to an
    integer then rounds, and with a zero point of 0 the clipping at 0 is a ReLU too.
    """

    weight: Tensor
    bias: Tensor
    steps: _Steps


class _Product(NamedTuple):
    """A linear layer of 8-bit activations, to float32, or through a ReLU to 8 bits again."""

    weights: _Weights
    steps: _Steps
    """Quantization of the input."""
    relu: _Steps | None
    """Quantization of the result after a ReLU; None for a result in float32."""


class _Branch(NamedTuple):
    """A residual branch, whose last product is added to the stream."""

    inner: tuple[_Norm | _Product, ...]
    last: _Product


_Operation: TypeAlias = _Norm | _Product | _Branch


class QuantizedPart:
    """A copy of a part in int8: `[rows, inputs]` to `[rows, outputs]`, both float32."""

    kind = torch.uint8

    def __init__(self, part: NetworkPart, rows: Tensor) -> None:
        """Args:
        part: on the CPU, in float32.
        rows: `[.., inputs]` for calibration: they show how large activations become.

        Raises:
            RuntimeError, NotImplementedError, AttributeError: this torch or processor cannot, or
                the part has layers that int8 does not know.
            WrongResultsError: the results differ by more than rounding.
        """
        if not cpu_program.AVAILABLE:
            raise NotImplementedError("its C interface lacks functions that a pass calls")
        self.outputs = part.outputs
        self._made_from = copy.deepcopy(part), rows  # a copy: the network may learn on
        stem, *body, head = _quantize(part.layers(), rows)
        assert isinstance(stem, _Product)
        assert isinstance(head, _Product)
        self._stem, self._body, self._head = stem, body, head
        # Fails here, not in play, if this processor cannot run the pass, or runs it wrongly.
        if not is_as_expected(self(rows), apply_layers(part.layers(), rows), self.kind):
            raise WrongResultsError

    def __reduce__(self) -> tuple[Any, ...]:
        # Packed weights have no bytes that could be copied, as each processor packs them its own
        # way. So another process quantizes again.
        return _quantize_again, self._made_from

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the logits. Each call writes a program anew; a backend keeps its plans."""
        return bind_rows(self, rows)()

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """See `WritesPlan`."""
        features = program.scratch("features", len(rows), rows.shape[1], torch.uint8)
        places = map(program.data, (rows, features))
        program.call(_round_features.address, *places, rows.numel())
        width = len(self._stem.weights.bias)
        stream = program.scratch("stream", len(rows), width, torch.float32)
        _clear(program, stream)
        _add_product(program, features, self._stem, stream)
        x = stream
        for operation in self._body:
            if isinstance(operation, _Branch):
                branch = stream
                for inner in operation.inner:
                    branch = _write(program, inner, branch)
                _add_product(program, branch, operation.last, stream)
            else:
                x = _write(program, operation, x)
        _clear(program, outputs)
        _add_product(program, x, self._head, outputs)


def _quantize_again(part: NetworkPart, rows: Tensor) -> QuantizedPart:
    """Rebuild a pickled part in this process.

    The bits are those of the process that pickled it if both run torch on one thread.
    """
    with torch.inference_mode():
        return QuantizedPart(part, rows)


def _write(program: Program, operation: _Norm | _Product, x: Tensor) -> Tensor:
    """Append an operation of `x` whose result is 8-bit; return the result."""
    if isinstance(operation, _Norm):
        normed = program.scratch("normed", len(x), x.shape[1], torch.uint8)
        places = map(program.data, (x, operation.weight, operation.bias, normed))
        program.call(_normalize_rows.address, *places, *x.shape)
        return normed
    hidden = program.scratch("hidden", len(x), len(operation.weights.bias), torch.uint8)
    assert hidden.data_ptr() != x.data_ptr(), "the input would be overwritten"
    if operation.relu is None:
        raise NotImplementedError("no product to float32 within a part in 8 bits")
    _clear(program, hidden)
    _multiply(program, x, operation, hidden, float(operation.relu.scale), b"relu")
    return hidden


def _quantize(layers: Sequence[Layer], rows: Tensor) -> list[_Operation]:
    """Quantize all layers by the activations that `rows` (`[.., inputs]`) cause in them."""
    operations: list[_Operation] = []
    steps: _Steps | None = _steps(1.0 / _LEVELS, 0)  # features lie between 0 and 1
    x = rows
    for layer, has_relu in _with_relus(layers):
        if isinstance(layer, Residual):
            branch, change = _quantize_branch(layer, x)
            operations.append(branch)
            x = x + change
            steps = None
        else:
            operation, x = _quantize_one(layer, has_relu, x, steps)
            operations.append(operation)
            steps = _result_steps(operation)
    return operations


def _quantize_branch(residual: Residual, x: Tensor) -> tuple[_Branch, Tensor]:
    """Quantize a residual branch; return it with what it adds to `x` in float32."""
    inner: list[_Norm | _Product] = []
    steps: _Steps | None = None
    for layer, has_relu in _with_relus(residual.layers):
        operation, x = _quantize_one(layer, has_relu, x, steps)
        inner.append(operation)
        steps = _result_steps(operation)
    last = inner.pop()
    assert isinstance(last, _Product)
    return _Branch(tuple(inner), last), x


def _quantize_one(
    layer: Layer, has_relu: bool, x: Tensor, steps: _Steps | None
) -> tuple[_Norm | _Product, Tensor]:
    """Quantize a layer of `x`, whose quantization is `steps`; return it with its result."""
    y = apply_layer(layer, x)
    if has_relu:
        y = torch.relu(y)
    match layer:
        case LayerNorm() if has_relu:
            return _norm(layer, _step(float(y.max())), 0), y
        case LayerNorm():
            # Half of the levels on either side of the zero point.
            return _norm(layer, 2 * float(y.abs().max()) / _LEVELS, _MIDDLE), y
        case Linear() if steps is not None:
            relu = _steps(_step(float(y.max())), 0) if has_relu else None
            return _Product(_weights(layer), steps, relu), y
    raise NotImplementedError(f"no {type(layer).__name__} there in 8 bits")


def _with_relus(layers: Sequence[Layer]) -> Iterator[tuple[Layer, bool]]:
    """Yield each layer but ReLUs, with whether a ReLU follows: the two are one operation."""
    for layer, follower in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, Relu):
            yield layer, isinstance(follower, Relu)


def _result_steps(operation: _Norm | _Product) -> _Steps | None:
    return operation.steps if isinstance(operation, _Norm) else operation.relu


def _step(largest: float) -> float:
    return max(largest, 1e-6) / _LEVELS


def _steps(scale: float, zero: int) -> _Steps:
    return _Steps(torch.tensor(scale, dtype=torch.float64), torch.tensor(zero))


def _weights(layer: Linear) -> _Weights:
    weight = layer.weight.detach()
    # Symmetric, so the zero points are 0. The clamp keeps an output without weights from 0 / 0.
    scales = weight.abs().amax(dim=1).clamp(min=1e-12) / largest_weight()
    rounded = (weight / scales[:, None]).round().to(torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(rounded, None)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    return _Weights(packed, scales, zeros, layer.bias.detach().clone())


@cache
def largest_weight() -> int:
    """Return the largest integer weight whose products this processor sums exactly: 127 or 64.

    Without VNNI instructions oneDNN adds two products at a time in 16 bits (`vpmaddubsw`), which
    are clipped at 32,767: 2 × 255 × 127 is beyond that, 2 × 255 × 64 is not (oneDNN's developer
    guide, "Nuances of int8 Computations"). Clipped sums would be wrong in some positions only.
    """
    # A product of the largest numbers shows it. The name of an instruction set would not: which of
    # them oneDNN uses also depends on its version and on ONEDNN_MAX_CPU_ISA.
    inputs, outputs = 16, 16
    x = torch.full((1, inputs), _LEVELS, dtype=torch.uint8)
    weight = torch.full((outputs, inputs), _EXACT, dtype=torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(weight, None)
    ones, zeros = torch.ones(outputs), torch.zeros(outputs, dtype=torch.int64)
    found = torch.ops.onednn.qlinear_pointwise(
        *(x, 1.0, 0, packed, ones, zeros, None, 1.0, 0, torch.float32, "none", [], "")
    )
    is_exact = bool((found == inputs * _LEVELS * _EXACT).all())
    return _EXACT if is_exact else _NARROW


def _norm(layer: LayerNorm, scale: float, zero: int) -> _Norm:
    scale = max(scale, 1e-6)
    weight, bias = layer.weight.detach(), layer.bias.detach()
    return _Norm(weight / scale, bias / scale + (zero + 0.5), _steps(scale, zero))


def _clear(program: Program, tensor: Tensor) -> None:
    program.call(_set_zero.address, program.data(tensor), tensor.nbytes)


def _add_product(program: Program, x: Tensor, product: _Product, total: Tensor) -> None:
    """Append `total += product(x)`, `x` in 8 bits and `total` in float32."""
    _multiply(program, x, product, total, 1.0, b"none")


def _multiply(
    program: Program, x: Tensor, product: _Product, total: Tensor, scale: float, activation: bytes
) -> None:
    """Append `total += activation(product(x))`.

    Of torch's quantized products, only the one that adds to a sum writes to memory that the caller
    provides. The others allocate their result, and worker threads would wait for each other in the
    allocator. A plain product is therefore added to zeros.
    """
    weights = product.weights
    program.call_torch(
        "aoti_torch_cpu__qlinear_pointwise_binary_tensor",
        *map(program.handle, (x, *product.steps, weights.weight, weights.scales, weights.zeros)),
        *map(program.optional, (total, weights.bias)),
        0,  # zero point of the result
        program.number_of(total.dtype),
        0,  # zero point of what it is added to
        program.text(b"sum"),
        program.text(activation),
        *(0, 0),  # no arguments of the activation
        program.text(b""),
        doubles=(scale, scale, 1.0),  # scale of the result, of what it is added to, and its factor
    )


@c_function("int32(voidptr, int64)")
def _set_zero(place: Any, length: int) -> int:
    carray(place, length, np.uint8)[:] = 0
    return 0


@c_function("int32(voidptr, voidptr, int64)")
def _round_features(rows: Any, features: Any, count: int) -> int:
    """Round numbers from 0 to 1 to the nearest of 256 steps."""
    found, rounded = carray(rows, count, np.float32), carray(features, count, np.uint8)
    for i in range(count):
        rounded[i] = np.uint8(np.int32(found[i] * np.float32(_LEVELS) + np.float32(0.5)))
    return 0


@c_function("int32(voidptr, voidptr, voidptr, voidptr, int64, int64)")
def _normalize_rows(x: Any, weight: Any, bias: Any, normed: Any, rows: int, width: int) -> int:
    """Normalize `[rows, width]` by a `_Norm`, clipped to a byte."""
    weights, biases = carray(weight, width, np.float32), carray(bias, width, np.float32)
    for number in range(rows):
        row = carray(x, (rows, width), np.float32)[number]
        steps = carray(normed, (rows, width), np.uint8)[number]
        mean, scale = mean_and_scale(row)
        for i in range(width):
            value = (row[i] - mean) * scale * weights[i] + biases[i]
            # Clipped before it is converted: out of a byte's range the conversion is undefined.
            value = min(max(value, np.float32(0)), np.float32(_LEVELS))
            steps[i] = np.uint8(np.int32(value))
    return 0
