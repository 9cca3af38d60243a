"""The actor as a network file: JSON with weights in fp16, for the JavaScript modules in `web/`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from blobmaster.checkpoint.network import TrainedNetwork
from blobmaster.config.rounds import RoundMix
from blobmaster.model.layers import Layer, LayerNorm, Linear, Relu, Residual, SplitLinear

FORMAT: Final = 1
"""Version of the file; increased when its readers have to change."""

LARGEST: Final = 65504.0
"""The largest number of fp16."""


def network_file(trained: TrainedNetwork) -> dict[str, Any]:
    """Return the content of a network file; its first key is `blobmaster_network`.

    Raises:
        ValueError: a weight is not finite in fp16; one line.
    """
    meta = trained.meta
    layers = trained.network.actor.layers()
    return {
        "blobmaster_network": FORMAT,
        "blobmaster": version("blobmaster"),
        "run_id": meta.identity.run_id,
        "iteration": meta.iteration + 1,
        "elo": None if meta.elo is None else round(meta.elo),
        "sees_games": trained.network.sees_games,
        "adapts": trained.config.self_play.adapts,
        "trained_on": _trained_on(trained.config.rounds),
        "layers": [_description(layer) for layer in layers],
        "weights": base64.b64encode(_half_floats(layers)).decode("ascii"),
    }


def _trained_on(mix: RoundMix) -> dict[str, int]:
    """Return, by number of players, the most cards of the rounds that the network learned from."""
    return {
        str(players): max(cards for cards, share in mix.most_cards[players].items() if share > 0)
        for players, share in sorted(mix.players.items())
        if share > 0
    }


def _description(layer: Layer) -> dict[str, Any]:
    match layer:
        case Linear():
            outputs, inputs = layer.weight.shape
            return {"kind": "linear", "inputs": inputs, "outputs": outputs}
        case SplitLinear():
            outputs, first = layer.first.weight.shape
            inputs = first + layer.more.shape[1]
            return {"kind": "linear", "inputs": inputs, "outputs": outputs}
        case LayerNorm():
            return {"kind": "norm", "width": len(layer.weight), "epsilon": layer.epsilon}
        case Relu():
            return {"kind": "relu"}
        case Residual():
            return {"kind": "residual", "layers": [_description(inner) for inner in layer.layers]}


def _half_floats(layers: Sequence[Layer]) -> bytes:
    """Return all weights in the order of the layers, each weight before its bias."""
    weights = torch.cat([tensor.detach().cpu().flatten() for tensor in _tensors(layers)]).numpy()
    # Written so that a NaN fails too.
    if not np.abs(weights).max() <= LARGEST:
        raise ValueError(
            "a weight of the network is not finite in fp16: export an earlier checkpoint"
        )
    return weights.astype("<f2").tobytes()


def _tensors(layers: Sequence[Layer]) -> Iterator[Tensor]:
    for layer in layers:
        match layer:
            case Linear() | LayerNorm():
                yield from (layer.weight, layer.bias)
            case SplitLinear():
                yield torch.cat([layer.first.weight, layer.more], dim=1)
                yield layer.first.bias
            case Residual():
                yield from _tensors(layer.layers)
            case Relu():
                pass
