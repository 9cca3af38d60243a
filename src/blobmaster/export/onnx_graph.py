"""The actor as an ONNX graph: its layers node by node, its outputs split by meaning.

The graph is built from the actor's description of its layers, not traced: torch's exporters bring a
compiler's worth of dependencies, or deprecation warnings of their own. `blobmaster export` compares
the result with torch, so a difference between the two readings of the layers would be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import ACTION_COUNT
from blobmaster.model.heads import BID_OUTPUTS, TRICK_COUNTS, TRICK_OUTPUTS
from blobmaster.model.layers import (
    Layer,
    LayerNorm,
    Linear,
    NetworkPart,
    Relu,
    Residual,
    SplitLinear,
)

OBSERVATION = "observation"
ACTIONS = "action_logits"
TRICKS = "trick_logits"
BIDS = "bid_logits"

OPSET = 17
"""The first opset with LayerNormalization; runtimes since 2022 support it."""

IR_VERSION = 8
"""The version of the file format that belongs to this opset."""


def actor_model(actor: NetworkPart, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """Build a model of the actor for any number of rows.

    Args:
        actor: its weights are copied.
        metadata: kept in the model's `metadata_props`.
    """
    graph = _Graph()
    logits = graph.layers(OBSERVATION, actor.layers())
    widths = graph.weight("widths", torch.tensor([ACTION_COUNT, TRICK_OUTPUTS, BID_OUTPUTS]))
    parts = [ACTIONS, "tricks", BIDS]
    graph.nodes.append(helper.make_node("Split", [logits, widths], parts, axis=1))
    shape = graph.weight("shape", torch.tensor([-1, MAX_PLAYERS, TRICK_COUNTS]))
    graph.nodes.append(helper.make_node("Reshape", ["tricks", shape], [TRICKS]))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "blobmaster",
            [_rows(OBSERVATION, actor.inputs)],
            [
                _rows(ACTIONS, ACTION_COUNT),
                _rows(TRICKS, MAX_PLAYERS, TRICK_COUNTS),
                _rows(BIDS, BID_OUTPUTS),
            ],
            graph.weights,
        ),
        producer_name="blobmaster",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Collects nodes and weights, and numbers their names in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str, tensor: torch.Tensor) -> str:
        """Add a constant; return its name."""
        unique = f"{name}_{len(self.weights)}"
        array = tensor.detach().cpu().numpy()
        self.weights.append(numpy_helper.from_array(array, unique))
        return unique

    def layers(self, x: str, layers: Sequence[Layer]) -> str:
        """Add layers one after another; return the name of the last one's output."""
        for layer in layers:
            x = self.layer(x, layer)
        return x

    def layer(self, x: str, layer: Layer) -> str:
        """Add a layer; return the name of its output."""
        match layer:
            case Linear():
                return self.product(x, layer.weight, layer.bias)
            case SplitLinear():
                both = torch.cat([layer.first.weight, layer.more], dim=1)
                return self.product(x, both, layer.first.bias)
            case LayerNorm():
                weights = self.weight("scale", layer.weight), self.weight("shift", layer.bias)
                return self.add("LayerNormalization", x, *weights, axis=-1, epsilon=layer.epsilon)
            case Relu():
                return self.add("Relu", x)
            case Residual():
                return self.add("Add", x, self.layers(x, layer.layers))

    def product(self, x: str, weight: torch.Tensor, bias: torch.Tensor) -> str:
        """Add `x @ weight.T + bias`; return the name of its output."""
        weights = self.weight("weight", weight), self.weight("bias", bias)
        return self.add("Gemm", x, *weights, transB=1)


def _rows(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])
