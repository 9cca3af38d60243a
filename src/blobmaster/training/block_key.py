"""A key that ties a finished block to everything that its rounds follow from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import torch
import xxhash

from blobmaster.cluster.hosts import host_facts
from blobmaster.config.compose import as_tables
from blobmaster.config.config import Config


def block_key(
    weights: Mapping[str, torch.Tensor], config: Config, iteration: int, device: torch.device
) -> str:
    """Return a digest that is equal only if the blocks of an iteration would be equal.

    Blocks depend on the settings, the code and the kind of processor, which sets the order of sums.
    A resumed run takes the blocks of an earlier process from `inflight/` only under an equal key.
    Any other block is played again, so a key that differs needlessly costs time, and a key that is
    equal by mistake would mix rounds of different players.

    Args:
        weights: the state of the network that plays.
        config: the settings; of them, those that change a block are part of the key.
        iteration: 0-based; it sets the size of search and iteration. Its number, and the block's,
            are kept with the block and are not part of the key.
        device: only its type matters, and a GPU's model.
    """
    digest = xxhash.xxh3_128()
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    # Sorted JSON has the same bytes in every process and after a reordering of fields, which the
    # repr of a struct or the order of a dictionary do not promise.
    digest.update(msgspec.json.encode(_ingredients(config, iteration, device), order="sorted"))
    return digest.hexdigest()


def _ingredients(config: Config, iteration: int, device: torch.device) -> dict[str, Any]:
    """Return the settings that a block follows from, as the iteration uses them."""
    tables = as_tables(config)
    self_play = tables["self_play"]
    for replaced_by_units in ("rounds", "games"):
        del self_play[replaced_by_units]
    by_search = config.self_play.decide_by == "search"
    search = config.curriculum.search(iteration, config.search)
    return {
        "search": msgspec.to_builtins(search) if by_search else None,
        "units": config.units(iteration),
        "training_on": config.run.training_on,
        "rounds": tables["rounds"],
        "self_play": self_play,
        "seed": config.run.seed,
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "host": host_facts()._replace(name=""),
        "number_format": config.inference.number_format,
    }
