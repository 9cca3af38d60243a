"""`blobmaster train`: starts or resumes a run, trains, and prints the commands to run next."""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.checkpoint.file import PROJECT, VerifiedCheckpoint, check_made_for, read_checkpoint
from blobmaster.config.compose import ConfigError, differences
from blobmaster.config.config import Config
from blobmaster.run.checkpoints.store import CheckpointStore, RunIdentity
from blobmaster.run.errors import CheckpointError, RunDirectoryError
from blobmaster.run.files.layout import DEFAULT_DIRECTORY, RunLayout
from blobmaster.run.opening import complete_history
from blobmaster.run.session import RunSession
from blobmaster.run.status.gpu import GpuSampler
from blobmaster.terminal.console import ProgressBar, log_to_file, log_to_terminal
from blobmaster.training.options import TrainOptions, compose_settings

if TYPE_CHECKING:
    from blobmaster.training.trainer import TrainingPipeline

log = logging.getLogger(__name__)


def run_training(options: TrainOptions) -> int:
    """Start or resume a run, train, and return the exit status of the process.

    Raises:
        ConfigError: the settings are invalid, or do not fit the checkpoint.
        RunError: there is no such checkpoint, or another trainer holds the run directory.
    """
    console = Console(highlight=False)
    checkpoint = _find_checkpoint(options, console) if options.is_resumed else None
    origin = None if options.init_from is None else read_checkpoint(options.init_from)
    config = compose_settings(options, checkpoint, origin)
    if checkpoint is not None and checkpoint.meta.iteration + 1 >= config.run.iterations:
        _complete_history(options, checkpoint)
        _say_complete(console, options, checkpoint)
        return 0
    command = shlex.join(["blobmaster", *sys.argv[1:]])
    with RunSession.open(options.root, command=command) as session:
        log_to_terminal(console)
        _train(session, options, config, checkpoint, origin, console)
    _say_next(console, options, session.exit_status)
    return session.exit_status


def _find_checkpoint(options: TrainOptions, console: Console) -> VerifiedCheckpoint:
    """Read the checkpoint to resume from, and print the damaged ones that are skipped."""
    store = CheckpointStore(RunLayout(options.root))
    path = options.resume
    if path is None:
        entry, skipped = store.newest_valid()
        for damaged, reason in skipped:
            console.print(f"skipped {damaged}: {reason}", markup=False, soft_wrap=True)
        if entry is None:
            raise CheckpointError(
                f"there is no whole checkpoint in {options.root} to resume: start a run with "
                f"`{_program()} train{_where(options)}`, or name a checkpoint: --resume PATH"
            )
        path = entry.path
    return read_checkpoint(path)


def _train(
    session: RunSession,
    options: TrainOptions,
    config: Config,
    checkpoint: VerifiedCheckpoint | None,
    origin: VerifiedCheckpoint | None,
    console: Console,
) -> None:
    """Load torch, build the pipeline, begin the run in the directory, and train."""
    console.print("loading torch and the compiled kernels …")
    # These imports take seconds. They come after the session has opened, so that a pause or a
    # signal that arrives meanwhile is seen.
    from blobmaster.selfplay.pool import default_workers
    from blobmaster.training.autotune import autotuned
    from blobmaster.training.trainer import TrainingPipeline

    decided: list[str] = []
    try:
        config = autotuned(config, decided.append)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    # The number of workers is resolved here and not saved: another machine may have other cores.
    workers = default_workers(config.run.workers)
    identity = checkpoint.meta.identity if checkpoint else _new_identity(config)
    pipeline = TrainingPipeline(config, session, workers)
    if checkpoint is not None:
        _restore(pipeline, checkpoint)  # may fail, so before `begin` changes the directory
    if origin is not None:
        _initialize(pipeline, origin)
    moved = session.begin(
        identity,
        config.run.iterations,
        checkpoint.meta if checkpoint else None,
        f"{_program()} train --resume{_where(options)}",
        workers=workers,
        gpu=None if pipeline.gpu_uuid is None else GpuSampler(pipeline.gpu_uuid),
        work=config.work,
    )
    log_to_file(session.layout.log)
    if moved is not None:  # an earlier run, to the archive
        log.info(
            "continue that run with `%s train --resume --checkpoint-dir %s`",
            _program(),
            shlex.quote(str(moved)),
        )
    _log_settings(config, checkpoint, origin)
    log.info(
        "training %s, iterations %d to %d, %d workers, %s parameters, in %s",
        identity.run_id,
        session.first_iteration + 1,
        config.run.iterations,
        workers,
        f"{identity.parameters:,}",
        options.root,
    )
    for line in decided:
        log.info(line)
    with ProgressBar(console, session.layout.status):
        _run(pipeline, session)


def _log_settings(
    config: Config, checkpoint: VerifiedCheckpoint | None, origin: VerifiedCheckpoint | None
) -> None:
    """Log where the run starts from, and the settings that differ from there."""
    if checkpoint is not None:
        log.info("resumed from %s", checkpoint.path)
        for change in differences(checkpoint.config, config):
            log.info("changed since that checkpoint: %s", change)
    if origin is not None:
        log.info("starts from the network of %s, with that run's settings", origin.path)
        for change in differences(origin.config, config):
            log.info("changed since that run: %s", change)
    elif config.plays_games and checkpoint is None:
        log.info("full games from an untrained network; --init-from would start from a phase 1")


def _run(pipeline: TrainingPipeline, session: RunSession) -> None:
    """Train; a run that diverges fails, and its process ends without a traceback."""
    from blobmaster.training.learner import DivergedError

    try:
        pipeline.run(session.first_iteration)
    except DivergedError as error:
        session.fail(
            f"{error}; the last checkpoint is intact, and nothing of this iteration was saved"
        )


def _initialize(pipeline: TrainingPipeline, origin: VerifiedCheckpoint) -> None:
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


def _restore(pipeline: TrainingPipeline, checkpoint: VerifiedCheckpoint) -> None:
    """Restore the state of the checkpoint.

    Raises:
        CheckpointError: the checkpoint was made by another version.
    """
    from blobmaster.model.network import architecture

    check_made_for(checkpoint, architecture(sees_games=checkpoint.config.plays_games))
    try:
        pipeline.restore(checkpoint.content)
    except ValueError as error:
        raise CheckpointError(f"{checkpoint.path}: {error}") from None


def _new_identity(config: Config) -> RunIdentity:
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


def _program() -> str:
    """Return the command that starts this `blobmaster`: its name if that is on the path."""
    beside = Path(sys.executable).with_name("blobmaster")
    found = shutil.which("blobmaster")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "blobmaster"
    cwd = Path.cwd()
    return str(beside.relative_to(cwd) if beside.is_relative_to(cwd) else beside)


def _where(options: TrainOptions) -> str:
    """Return the flag that names the run directory, if it is not the default one."""
    if options.root == DEFAULT_DIRECTORY:
        return ""
    return f" --checkpoint-dir {shlex.quote(str(options.root))}"


def _complete_history(options: TrainOptions, checkpoint: VerifiedCheckpoint) -> None:
    """Write the last history rows of a finished run, if its last session could not."""
    layout = RunLayout(options.root)
    try:
        complete_history(layout, checkpoint.meta, shlex.join(["blobmaster", *sys.argv[1:]]))
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {layout.history}: {error.strerror}; the checkpoint has its last rows: "
            "make it writable, then resume again"
        ) from None


def _say_complete(console: Console, options: TrainOptions, checkpoint: VerifiedCheckpoint) -> None:
    done = checkpoint.meta.iteration + 1
    console.print(
        f"{checkpoint.path.name} has all {done} iterations; to train on:\n"
        f"  {_program()} train --resume --iterations {2 * done}{_where(options)}",
        markup=False,
        soft_wrap=True,
    )


def _say_next(console: Console, options: TrainOptions, exit_status: int) -> None:
    program, where = _program(), _where(options)
    commands = {
        "watch the run, from any terminal": f"{program} monitor{where}",
        "continue it (--iterations N for more)": f"{program} train --resume{where}",
        "the real run: 500 iterations, days long": f"{program} train --enable-curriculum{where}",
    }
    if exit_status != 0:
        commands = {"continue from the last checkpoint": f"{program} train --resume{where}"}
    console.print("\nnext:")
    for meaning, command in commands.items():
        console.print(f"  {meaning}\n    {command}", markup=False, soft_wrap=True)
