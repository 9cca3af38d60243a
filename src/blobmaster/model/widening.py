"""Weights of older networks, which had fewer inputs: zeros stand for the inputs that they lack.

A network whose new inputs have weights of zero computes what it computed without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import FIRST_VARIED
from blobmaster.model.features import DEAL_INDEX, FEATURES, INDEX, OPPONENT_FEATURES


def _in_deal(group: str) -> slice:
    """Return the columns of a group of the deal's features in the critic's input."""
    columns = DEAL_INDEX[group]
    return slice(FEATURES + columns.start, FEATURES + columns.stop)


_KNOWN = slice(INDEX["table_known"].start, INDEX["known_kinds"].stop)
_OUTRANKED = slice(INDEX["outranked"].start, INDEX["winner_outranked"].stop)

ADDED: Final[tuple[Mapping[str, tuple[slice, ...]], ...]] = (
    {
        "critic.stem.weight": (_in_deal("kinds"),),
        "standing.0.weight": (slice(MAX_PLAYERS, FIRST_VARIED * MAX_PLAYERS),),
    },
    {
        "actor.stem.weight": (_OUTRANKED,),
        "critic.stem.weight": (_OUTRANKED, _in_deal("live_hands"), _in_deal("live_winner")),
    },
    {"actor.stem.weight": (_KNOWN,), "critic.stem.weight": (_KNOWN,)},
    {
        "actor.stem.weight": (INDEX["known_traits"],),
        "critic.stem.weight": (INDEX["known_traits"], _in_deal("traits")),
        "standing.0.weight": (slice(FIRST_VARIED * MAX_PLAYERS, OPPONENT_FEATURES),),
    },
)
"""Inputs that were added since version 0.1, oldest first: by name of the weight, their columns in
the network of today."""


def widened(name: str, tensor: Tensor, width: int) -> Tensor:
    """Return a weight, or the optimizer's average of its gradients, with all inputs of today.

    Args:
        name: the weight's name in the network.
        tensor: `[outputs, inputs]`, of a network of today or an older one.
        width: the inputs of today.

    Returns:
        `[outputs, width]`, or `tensor` itself if it lacks no inputs or is of another kind of
        network.
    """
    if tensor.ndim != 2 or tensor.shape[1] == width:
        return tensor
    is_old = torch.ones(width, dtype=torch.bool)
    for added in reversed(ADDED):
        for columns in added.get(name, ()):
            is_old[columns] = False
        if int(is_old.sum()) == tensor.shape[1]:
            wide = tensor.new_zeros(len(tensor), width)
            wide[:, is_old] = tensor
            return wide
    return tensor


def widened_weights(weights: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights with all inputs that the network of the weights `ours` has."""
    return {
        name: widened(name, tensor, ours[name].shape[-1])
        if name in ours and ours[name].ndim == 2
        else tensor
        for name, tensor in weights.items()
    }


def widened_optimizer(state: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return an optimizer's state with all inputs of a network.

    Args:
        state: its `state_dict`, whose entries are numbered as the parameters.
        parameters: those of the network of today, by name, in the optimizer's order.
    """
    entries = dict(state["state"])
    for number, (name, parameter) in enumerate(parameters.items()):
        if number in entries and parameter.ndim == 2:
            entries[number] = {
                # The number of steps is a tensor too, without dimensions.
                key: widened(name, value, parameter.shape[1])
                if isinstance(value, Tensor)
                else value
                for key, value in entries[number].items()
            }
    return {**state, "state": entries}
