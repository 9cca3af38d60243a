"""Plain descriptions of a network part's layers, from which plans and exports are built.

A part is a sequence of layers. Each description refers to the part's own parameters, not to copies:
a plan that is built from it computes with the weights as they are when it runs. A new kind of
network describes itself with these layers, or adds one here and teaches it to
`blobmaster.inference.cpu_plans`, `blobmaster.inference.int8` and `blobmaster.export.onnx_graph`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Forward = Callable[[Tensor], Tensor]
"""`[rows, inputs]` float32 to `[rows, outputs]` float32 logits, on the network's device."""


# Compared by identity: equality of tensors has no truth value.
@dataclass(frozen=True, eq=False)
class Linear:
    """`x @ weight.T + bias`."""

    weight: Tensor
    """`[outputs, inputs]`."""
    bias: Tensor
    """`[outputs]`."""


@dataclass(frozen=True, eq=False)
class SplitLinear:
    """A linear layer whose weights lie in two matrices, the second for the last inputs."""

    first: Linear
    """`[outputs, n]`: of the first n inputs."""
    more: Tensor
    """`[outputs, m]`: weights of the m inputs behind those."""


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Layer normalization over each row (Ba et al. 2016)."""

    weight: Tensor
    """`[width]`."""
    bias: Tensor
    """`[width]`."""
    epsilon: float
    """Added to the variance."""


@dataclass(frozen=True, eq=False)
class Relu:
    """`max(x, 0)`."""


@dataclass(frozen=True, eq=False)
class Residual:
    """Adds the output of its layers to its input."""

    layers: tuple[Layer, ...]


Layer: TypeAlias = "Linear | SplitLinear | LayerNorm | Relu | Residual"


def apply_layers(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """Compute `[rows, inputs]` to `[rows, outputs]` with torch."""
    for layer in layers:
        x = apply_layer(layer, x)
    return x


def apply_layer(layer: Layer, x: Tensor) -> Tensor:
    """Compute one layer with torch."""
    match layer:
        case Linear():
            return functional.linear(x, layer.weight, layer.bias)
        case SplitLinear():
            # Contiguous, so that the product has the bits that it has in a network without the
            # other inputs (see `ResidualMLP.forward`).
            count = layer.first.weight.shape[1]
            first = apply_layer(layer.first, x[:, :count].contiguous())
            return first + functional.linear(x[:, count:], layer.more)
        case LayerNorm():
            shape = layer.weight.shape
            return functional.layer_norm(x, shape, layer.weight, layer.bias, layer.epsilon)
        case Relu():
            return torch.relu(x)
        case Residual():
            # Operation by operation as in the module's `forward`: another order
            # could differ in the last bit.
            return torch.add(x, apply_layers(layer.layers, x))


class NetworkPart(nn.Module):
    """A part of a network: maps `[rows, inputs]` to `[rows, outputs]` and describes its layers."""

    @property
    @abstractmethod
    def inputs(self) -> int:
        """The width of its rows."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The width of its logits."""

    @abstractmethod
    def layers(self) -> tuple[Layer, ...]:
        """Describe the layers in order; the parameters in them are the part's own."""


class Parts(NamedTuple):
    """The parts of a network as an evaluator runs them, in any number format."""

    actor: Forward
    """Maps the acting seat's observations to `ACTOR_OUTPUTS` logits."""
    critic: Forward
    """Maps observations with all hands to `CRITIC_OUTPUTS` logits."""
    standing: Forward | None = None
    """Maps a game's standing between two rounds to `SHARE_OUTPUTS` logits; always in float32."""
    sees_games: bool = False
    """True if actor and critic also see where the game stands."""
