"""Verified reading of checkpoint files and their settings, without torch."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from blobmaster.config.compose import ConfigError, from_tables
from blobmaster.config.config import Config
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.disk_errors import explain_read
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.text import shell_quoted

PROJECT = "Blobmaster"

STATE_SCHEMA = 1
"""Version of the state in a checkpoint; raised when older states cannot be read any more."""


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """A checkpoint file whose checksum and settings were verified."""

    path: Path
    content: io.BytesIO
    """The verified bytes, for `torch.load`: reading the file again could give others."""
    meta: CheckpointMeta
    config: Config


def check_present(path: Path) -> None:
    """Raise `CheckpointError` if there is no file at `path`: a check before torch is loaded."""
    if path.is_dir():
        raise CheckpointError(_advice_for_folder(path))
    try:
        path.stat()
    except OSError as error:
        raise CheckpointError(f"{path}: {explain_read(error)}") from None


def read_checkpoint(path: Path) -> VerifiedCheckpoint:
    """Read and verify the checkpoint at `path`.

    Raises:
        CheckpointError: the file is missing or damaged, or of another project or version.
    """
    if path.is_dir():
        raise CheckpointError(_advice_for_folder(path))
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
    return VerifiedCheckpoint(path, content, meta, config)


def _advice_for_folder(folder: Path) -> str:
    """Return in one line which file to name instead of a run directory."""
    try:
        newest, damaged = CheckpointStore(RunLayout(folder)).newest_valid()
    except OSError:  # it cannot be read
        newest, damaged = None, []
    if newest is None and damaged:
        return f"{folder} is a folder with damaged checkpoints only: name a checkpoint file"
    if newest is None:
        return f"{folder} is a folder without a run's checkpoints: name a checkpoint file"
    named = shell_quoted(str(newest.path))
    return f"{folder} is a folder: name a checkpoint in it; the newest whole one is {named}"


def check_made_for(saved: VerifiedCheckpoint, architecture: int) -> None:
    """Raise `CheckpointError` unless the network has this version's architecture."""
    made_for = saved.meta.identity.architecture
    if made_for != architecture:
        raise CheckpointError(
            f"{saved.path} holds a network of architecture {made_for}, this version has "
            f"{architecture}: use it with the version that made it"
        )
