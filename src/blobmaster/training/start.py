"""Finds and restores the checkpoint that a session of `blobmaster train` starts from, if any."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.checkpoint.file import PROJECT, VerifiedCheckpoint, check_made_for, read_checkpoint
from blobmaster.config.config import Config
from blobmaster.run.checkpoints.store import CheckpointStore, RunIdentity
from blobmaster.run.errors import CheckpointError, RunDirectoryError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.text import shell_quoted
from blobmaster.training.next_steps import train_command
from blobmaster.training.options import TrainOptions, compose_settings
from blobmaster.training.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from blobmaster.training.trainer import TrainingPipeline


@dataclass(frozen=True)
class Start:
    """The state and settings that a session starts from."""

    config: Config
    checkpoint: VerifiedCheckpoint | None
    """The checkpoint to resume from; None for a new run."""
    origin: VerifiedCheckpoint | None
    """The checkpoint of phase 1 that a new run of phase 2 starts from."""

    @property
    def is_complete(self) -> bool:
        """True if the checkpoint already has all iterations."""
        done = -1 if self.checkpoint is None else self.checkpoint.meta.iteration
        return done + 1 >= self.config.run.iterations


def checkpoints_in(root: Path) -> list[Path]:
    """List the checkpoints of a run directory.

    Raises:
        RunDirectoryError: it is no directory, or cannot be read.
    """
    try:
        return [entry.path for entry in CheckpointStore(RunLayout(root)).entries()]
    except OSError as error:
        raise RunDirectoryError(
            f"cannot read the run directory {root}: {error.strerror}; name another --checkpoint-dir"
        ) from None


def find_start(options: TrainOptions, console: Console) -> Start:
    """Read the checkpoint to resume from or to start from, and compose the settings."""
    checkpoint = _find_checkpoint(options, console)
    origin = None
    if options.init_from is not None and checkpoint is None:
        origin = read_checkpoint(options.init_from)
    return Start(compose_settings(options, checkpoint, origin), checkpoint, origin)


def _find_checkpoint(options: TrainOptions, console: Console) -> VerifiedCheckpoint | None:
    """Read the checkpoint to resume from, and print the damaged ones that are skipped.

    Returns:
        The checkpoint; None to begin a run.

    Raises:
        CheckpointError: there is none that can be resumed.
    """
    if options.resume is not None:
        return read_checkpoint(_checked_file(options.resume))
    if not options.takes_newest:
        return None
    layout = RunLayout(options.root)
    entry, skipped = CheckpointStore(layout).newest_valid()
    for _, reason in skipped:  # the reason begins with the path
        console.print(f"skipped {reason}", markup=False, soft_wrap=True)
    if entry is not None:
        return read_checkpoint(entry.path)
    if options.is_auto and not skipped and not layout.history.exists():
        return None
    start = train_command(options.root)
    if options.is_auto:
        raise CheckpointError(
            f"{options.root} holds a run without a whole checkpoint: copy one back into it, or "
            f"start again with `{start}`, which moves what is left to archive/"
        )
    raise CheckpointError(
        f"there is no whole checkpoint in {options.root} to resume: start a run with `{start}`, or "
        "name a checkpoint: --resume PATH"
    )


def _checked_file(path: Path) -> Path:
    """Return the path, or advise the flag that takes a run directory."""
    if path.is_dir():
        raise CheckpointError(
            f"{path} is a folder and --resume names a checkpoint: to resume the run in it, use "
            f"--resume --checkpoint-dir {shell_quoted(str(path))}"
        )
    return path


def initialize(pipeline: TrainingPipeline, origin: VerifiedCheckpoint) -> None:
    """Start from the network of another run.

    Raises:
        CheckpointError: the network does not fit.
    """
    import torch

    from blobmaster.checkpoint.network import load_trained

    try:
        pipeline.initialize_from(load_trained(origin.path, torch.device("cpu")).network)
    except ValueError as error:
        raise CheckpointError(f"{origin.path}: {error}") from None


def restore(pipeline: TrainingPipeline, checkpoint: VerifiedCheckpoint) -> None:
    """Restore the state of the checkpoint.

    Raises:
        CheckpointError: the checkpoint was made by another version, or by no trainer.
    """
    from blobmaster.checkpoint.network import UNFIT, load_state
    from blobmaster.model.network import architecture

    check_made_for(checkpoint, architecture(sees_games=checkpoint.config.plays_games))
    try:
        pipeline.load_state_dict(load_state(checkpoint))
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.path}: {error}") from None
    except (*UNFIT, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise CheckpointError(
            f"{checkpoint.path} does not hold the state of a run with its settings: resume from "
            "another checkpoint"
        ) from None


def check_sizes(start: Start) -> None:
    """Refuse a checkpoint whose network cannot be in it, before one of that size is made.

    Raises:
        CheckpointError: its settings describe a network that is larger than its file.
    """
    from blobmaster.checkpoint.network import check_holds_its_network

    for saved in (start.checkpoint, start.origin):
        if saved is not None:
            check_holds_its_network(saved)


def new_identity(config: Config) -> RunIdentity:
    """Return the identity of a new run that begins today, with a random run id."""
    from blobmaster.model.network import architecture, new_network, parameter_count

    sees_games = config.plays_games
    network = new_network(config.network, config.run.seed, sees_games=sees_games)
    today = datetime.now()
    return RunIdentity(
        run_id=f"{today:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}",
        project=PROJECT,
        architecture=architecture(sees_games=sees_games),
        parameters=parameter_count(network),
        start_date=f"{today:%Y%m%d}",
        seed=config.run.seed,
    )
