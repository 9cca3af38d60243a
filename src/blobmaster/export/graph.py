"""The actor as an ONNX graph: its layers node by node, its outputs split by what they mean.

The graph is written out here rather than traced: a residual MLP is five kinds of node, and torch's
exporters bring a compiler's worth of dependencies or their own deprecation. Whoever exports holds
the result against torch, so what the two readings of the layers could differ in is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import ACTION_COUNT
from blobmaster.model.heads import BID_OUTPUTS, TRICK_COUNTS, TRICK_OUTPUTS
from blobmaster.model.network import ResidualBlock, ResidualMLP

OBSERVATION = "observation"
ACTIONS = "action_logits"
TRICKS = "trick_logits"
BIDS = "bid_logits"

OPSET = 17
"""The first with LayerNormalization; runtimes since 2022 have it."""

IR_VERSION = 8
"""The file format's version of that time."""


def actor_model(actor: ResidualMLP, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The actor as a model of any number of rows.

    Args:
        actor: its weights are copied.
        metadata: kept in the model's `metadata_props`.
    """
    graph = _Graph()
    x = graph.stem(OBSERVATION, actor)
    for block in actor.blocks:
        assert isinstance(block, ResidualBlock)
        hidden = graph.add("Relu", graph.linear(graph.norm(x, block.norm), block.contract))
        x = graph.add("Add", x, graph.linear(hidden, block.expand))
    logits = graph.linear(graph.add("Relu", graph.norm(x, actor.norm)), actor.head)
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
    """Nodes and weights, each named as it comes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; the name of its output."""
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str, tensor: torch.Tensor) -> str:
        """Add a constant; its name."""
        unique = f"{name}_{len(self.weights)}"
        array = tensor.detach().cpu().numpy()
        self.weights.append(numpy_helper.from_array(array, unique))
        return unique

    def linear(self, x: str, layer: nn.Linear) -> str:
        """Add `x @ weight.T + bias`."""
        weights = self.weight("weight", layer.weight), self.weight("bias", layer.bias)
        return self.add("Gemm", x, *weights, transB=1)

    def stem(self, x: str, actor: ResidualMLP) -> str:
        """Add the first layer, its two parts as one where there are two."""
        if actor.more_stem is None:
            return self.linear(x, actor.stem)
        both = torch.cat([actor.stem.weight, actor.more_stem.weight], dim=1)
        weights = self.weight("weight", both), self.weight("bias", actor.stem.bias)
        return self.add("Gemm", x, *weights, transB=1)

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        """Add a normalisation of each row."""
        weights = self.weight("scale", layer.weight), self.weight("shift", layer.bias)
        return self.add("LayerNormalization", x, *weights, axis=-1, epsilon=layer.eps)


def _rows(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])
