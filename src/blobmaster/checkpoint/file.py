"""A checkpoint of Blob as it lies in a file: verified, its settings understood, no torch needed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from blobmaster.config.config import Config
from blobmaster.config.layers import ConfigError, from_tables
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError

PROJECT = "Blobmaster"

STATE_SCHEMA = 1
"""Of the state inside a checkpoint; raised when an older one can no longer be read as it is."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint, read once and verified."""

    path: Path
    content: io.BytesIO
    """The bytes that were verified, for `torch.load`."""
    meta: CheckpointMeta
    config: Config


def read_saved(path: Path) -> Saved:
    """Read and verify the checkpoint at `path`.

    Raises:
        CheckpointError: it is missing, damaged, of another project or of another version.
    """
    content, meta = CheckpointStore.read(path)
    if meta.identity.project != PROJECT:
        raise CheckpointError(
            f"{path} is a checkpoint of {meta.identity.project}, not of {PROJECT}: name another"
        )
    try:
        config = from_tables(meta.config)
    except ConfigError as error:
        raise CheckpointError(
            f"{path} has settings of another version ({error}): use it with that version"
        ) from None
    return Saved(path, content, meta, config)


def check_made_for(saved: Saved, architecture: int) -> None:
    """Raise `CheckpointError` unless the network in it is of this version's architecture."""
    made_for = saved.meta.identity.architecture
    if made_for != architecture:
        raise CheckpointError(
            f"{saved.path} holds a network of architecture {made_for}, this version has "
            f"{architecture}: use it with the version that made it"
        )
