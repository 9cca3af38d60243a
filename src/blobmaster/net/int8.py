"""A network part in int8: 8-bit weights and activations, summed in 32 bits by oneDNN.

Weights have a scale for each output. Activations have one for each layer, set once from what
the layer's inputs are on some positions, so that a row's answer does not depend on the rows beside
it. Norms and the residual stream stay float32 (as in Dettmers et al. 2022, what overflows is cut).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from blobmaster.net.model import ResidualBlock, ResidualMLP

_LEVELS = 255
"""Activations are 0 to 255, weights -127 to 127."""

_MIDDLE = 128
"""What stands for 0 where an activation may be negative."""

_FEATURE_SCALE = 1.0 / _LEVELS
"""Features lie between 0 and 1."""


class _Linear(NamedTuple):
    """A layer as oneDNN takes it."""

    weight: Tensor
    scales: Tensor
    zeros: Tensor
    bias: Tensor


class _Norm(NamedTuple):
    """A layer norm whose result is in steps of `scale` above `zero`, and half a step: cutting it
    to an integer then rounds."""

    weight: Tensor
    bias: Tensor
    scale: float
    zero: int

    def quantized(self, x: Tensor) -> Tensor:
        """`[rows, width]` to the same in uint8; with a `zero` of 0 it is a ReLU too."""
        normed = functional.layer_norm(x, self.weight.shape, self.weight, self.bias)
        return normed.clamp_(0, _LEVELS).to(torch.uint8)


class _Block(NamedTuple):
    norm: _Norm
    contract: _Linear
    hidden_scale: float
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
                    _step(float(hidden.max())),
                    _linear(block.expand),
                )
            )
            x = x + block.expand(hidden)
        self._norm = _norm(part.norm, _step(float(part.norm(x).max())), 0)
        self._head = _linear(part.head)

    def __call__(self, rows: Tensor) -> Tensor:
        """Logits."""
        features = rows.mul(_LEVELS).add_(0.5).to(torch.uint8)
        x = _multiply(features, _FEATURE_SCALE, 0, self._stem)
        for norm, contract, hidden_scale, expand in self._blocks:
            hidden = _multiply_relu(norm.quantized(x), norm, contract, hidden_scale)
            x = _add_product(x, hidden, hidden_scale, expand)
        return _multiply(self._norm.quantized(x), self._norm.scale, 0, self._head)


def _step(largest: float) -> float:
    return max(largest, 1e-6) / _LEVELS


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
    return _Norm(weight / scale, bias / scale + (zero + 0.5), scale, zero)


def _multiply(x: Tensor, scale: float, zero: int, layer: _Linear) -> Tensor:
    """The layer's outputs, float32."""
    weight, scales, zeros, bias = layer
    return torch.ops.onednn.qlinear_pointwise(
        x, scale, zero, weight, scales, zeros, bias, 1.0, 0, torch.float32, "none", [], ""
    )


def _multiply_relu(x: Tensor, norm: _Norm, layer: _Linear, scale: float) -> Tensor:
    """The layer's outputs, none below 0, in uint8 steps of `scale`."""
    weight, scales, zeros, bias = layer
    return torch.ops.onednn.qlinear_pointwise(
        x, norm.scale, norm.zero, weight, scales, zeros, bias, scale, 0, torch.uint8, "relu", [], ""
    )


def _add_product(total: Tensor, x: Tensor, scale: float, layer: _Linear) -> Tensor:
    """`total` with the layer's outputs added to it, in its own memory."""
    weight, scales, zeros, bias = layer
    return torch.ops.onednn.qlinear_pointwise.binary(
        *(x, scale, 0, weight, scales, zeros, total, bias, 1.0, 0, torch.float32),
        *(1.0, 0, "sum", 1.0, "none", [], ""),
    )
