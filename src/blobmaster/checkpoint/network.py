"""Loading of the network in a checkpoint, ready to play."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from blobmaster.checkpoint.file import STATE_SCHEMA, check_made_for, read_checkpoint
from blobmaster.config.config import Config
from blobmaster.model.network import BlobNetwork, architecture, new_network
from blobmaster.run.checkpoints.store import CheckpointMeta
from blobmaster.run.errors import CheckpointError


@dataclass(frozen=True)
class TrainedNetwork:
    """A network from a checkpoint, with its settings and metadata."""

    network: BlobNetwork
    """The EMA of the trained weights, in eval mode."""
    config: Config
    meta: CheckpointMeta


def load_trained(path: Path, device: torch.device) -> TrainedNetwork:
    """Load the network of the checkpoint at `path`.

    Args:
        path: any checkpoint file: permanent, cached, archived or copied elsewhere.
        device: the device of the returned network.

    Raises:
        CheckpointError: the file is missing or damaged, or of another project or version.
    """
    saved = read_checkpoint(path)
    sees_games = saved.config.plays_games
    check_made_for(saved, architecture(sees_games=sees_games))
    try:
        state = torch.load(saved.content, weights_only=True, map_location="cpu")
        if state["schema"] != STATE_SCHEMA:
            raise CheckpointError(
                f"{path}: its state has schema {state['schema']}, but this version reads "
                f"{STATE_SCHEMA}: use it with the version that made it"
            )
        network = new_network(saved.config.network, saved.config.run.seed, sees_games=sees_games)
        network.load_state_dict(state["learner"]["average"])
    except (pickle.UnpicklingError, KeyError, TypeError, RuntimeError):
        raise CheckpointError(
            f"{path} does not hold the network that its settings describe: name another checkpoint"
        ) from None
    return TrainedNetwork(network.to(device).eval(), saved.config, saved.meta)
