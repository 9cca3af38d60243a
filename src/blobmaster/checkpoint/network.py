"""Loading of the network in a checkpoint, ready to play."""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from blobmaster.checkpoint.file import (
    STATE_SCHEMA,
    VerifiedCheckpoint,
    check_made_for,
    read_checkpoint,
)
from blobmaster.config.config import Config
from blobmaster.model.network import BlobNetwork, architecture, new_network, parameter_count
from blobmaster.run.checkpoints.store import CheckpointMeta
from blobmaster.run.errors import CheckpointError

UNFIT: Final = (
    AssertionError,
    AttributeError,
    LookupError,
    OverflowError,
    TypeError,
    ValueError,
)
"""Errors of code that expects tensors and numbers where a state holds something else."""
_BYTES_PER_PARAMETER: Final = 4


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
    check_holds_its_network(saved)
    network = new_network(saved.config.network, saved.config.run.seed, sees_games=sees_games)
    try:
        state = load_state(saved)
        if state["schema"] != STATE_SCHEMA:
            raise CheckpointError(
                f"{path}: its state has schema {state['schema']}, but this version reads "
                f"{STATE_SCHEMA}: use it with the version that made it"
            )
        network.load_state_dict(state["learner"]["average"])
    except (*UNFIT, RuntimeError):  # torch's error for weights of another shape
        raise _no_network(path) from None
    return TrainedNetwork(network.to(device).eval(), saved.config, saved.meta)


def check_holds_its_network(saved: VerifiedCheckpoint) -> None:
    """Raise `CheckpointError` if the file is smaller than the network that its settings describe.

    The settings may be anybody's: a file of a kilobyte can describe a network of 70 GB, which
    would take all memory before its weights are found missing.
    """
    sees_games = saved.config.plays_games
    with torch.device("meta"):  # allocates nothing
        network = BlobNetwork(saved.config.network, sees_games=sees_games)
    if saved.content.getbuffer().nbytes < _BYTES_PER_PARAMETER * parameter_count(network):
        raise _no_network(saved.path)


def load_state(saved: VerifiedCheckpoint) -> Any:
    """Return the state that a checkpoint holds: of tensors and plain values if a run wrote it.

    Raises:
        CheckpointError: it cannot be read, or holds other objects.
        RuntimeError: the archive lacks a part, or memory ran out.
    """
    try:
        return torch.load(saved.content, weights_only=True, map_location="cpu")
    # The digest proves that the file is undamaged, not who wrote it: torch's unpickler refuses
    # objects, but stumbles in any of these ways over instructions that no pickler writes.
    except (*UNFIT, EOFError, pickle.UnpicklingError, struct.error):
        raise _no_network(saved.path) from None


def _no_network(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} does not hold the network that its settings describe: name another checkpoint"
    )
