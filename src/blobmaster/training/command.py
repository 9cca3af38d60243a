"""`blobmaster train`: starts or resumes a run, trains, and prints the commands to run next."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.checkpoint.file import VerifiedCheckpoint
from blobmaster.cluster.errors import ClusterError
from blobmaster.config.compose import ConfigError, differences
from blobmaster.config.config import Config
from blobmaster.run.checkpoints.archive import forget_unstarted_run
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import RunDirectoryError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.text import shell_quoted
from blobmaster.run.opening import complete_history
from blobmaster.run.session import RunSession
from blobmaster.run.status.gpu import GpuSampler
from blobmaster.terminal.console import ProgressBar, log_to_file, log_to_terminal
from blobmaster.terminal.output import never_wait
from blobmaster.training.compile_ahead import second_compiler
from blobmaster.training.next_steps import (
    after_divergence,
    after_training,
    complete_text,
    print_commands,
    resume_arguments,
    train_command,
)
from blobmaster.training.options import TrainOptions
from blobmaster.training.out_of_memory import is_out_of_memory, out_of_memory_text
from blobmaster.training.start import (
    Start,
    check_sizes,
    checkpoints_in,
    find_start,
    initialize,
    new_identity,
    restore,
)

if TYPE_CHECKING:
    from blobmaster.training.trainer import TrainingPipeline

log = logging.getLogger(__name__)

FAILED = 1
"""Exit status of a run that failed, or could not begin for lack of memory."""


def run_training(options: TrainOptions) -> int:
    """Start or resume a run, train, and return the exit status of the process.

    Raises:
        ConfigError: the settings are invalid, or do not fit the checkpoint.
        RunError: there is no such checkpoint, or another trainer holds the run directory.
    """
    never_wait()
    try:
        return _run_session(options, Console(highlight=False))
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        _print_error(out_of_memory_text(error))
        return FAILED


def _print_error(line: str) -> None:
    """Print a line on stderr, as `blobmaster` prints mistakes of the command line."""
    console = Console(stderr=True, highlight=False)
    console.print(f"blobmaster: {line}", markup=False, soft_wrap=True)


def _run_session(options: TrainOptions, console: Console) -> int:
    """Do what `run_training` says; memory that runs out before the run begins is an exception."""
    seen = checkpoints_in(options.root)
    start = find_start(options, console)
    if start.is_complete:
        return _say_complete(console, options, start)
    with RunSession.open(options.root, command=_command_line()) as session:
        # Another trainer may have committed, or ended, while this one waited for nothing yet: what
        # was read before the lock was taken counts only if nothing has changed since.
        if options.takes_newest and checkpoints_in(options.root) != seen:
            start = find_start(options, console)
        if start.is_complete:
            return _say_complete(console, options, start)
        if options.is_auto and start.checkpoint is None:
            forget_unstarted_run(session.layout)
        log_to_terminal(console)
        console.print("loading torch and the compiled kernels …")
        with contextlib.ExitStack() as cluster, contextlib.ExitStack() as compiling:
            compiling.enter_context(second_compiler(start.config))
            advice = _train(session, options, start, console, compiling, cluster)
    is_finished = session.exit_status == 0 and _is_finished(options.root, start.config)
    if session.exit_status != 0:
        command = session.resume_command or _resume_command(options)
        again = {"continue from the last checkpoint": command}
        advice = advice or again
    print_commands(
        console,
        advice
        or after_training(
            options.root,
            start.config,
            is_finished=is_finished,
            resume_command=session.resume_command,
        ),
    )
    return session.exit_status


def _resume_command(options: TrainOptions) -> str:
    return train_command(options.root, "--resume", *options.backend.arguments)


def _same_command(options: TrainOptions, checkpoint: Path) -> str:
    """Return the command that does again what this one does, from the checkpoint that it found."""
    # --resume would refuse --init-from, which --auto-resume may have beside it.
    resume = ["--auto-resume"] if options.is_auto else resume_arguments(options.root, checkpoint)
    return train_command(options.root, *resume, *map(shell_quoted, options.typed))


def _is_finished(root: Path, config: Config) -> bool:
    entries = CheckpointStore(RunLayout(root)).entries()
    return bool(entries) and entries[-1].name.iteration + 1 >= config.run.iterations


def _train(
    session: RunSession,
    options: TrainOptions,
    start: Start,
    console: Console,
    compiling: contextlib.ExitStack,
    cluster: contextlib.ExitStack,
) -> dict[str, str]:
    """Load torch, build the pipeline, begin the run in the directory, and train.

    Args:
        session: is open.
        options: the command line.
        start: the state and settings to start from.
        console: shows the progress.
        compiling: is closed as soon as the kernels are compiled.
        cluster: is closed after training; it holds the connection to a cluster.

    Returns:
        Commands to advise, by their meaning; empty if the usual ones hold.
    """
    config, checkpoint, origin = start.config, start.checkpoint, start.origin
    # These imports take seconds. They come after the session has opened, so that a pause or a
    # signal that arrives meanwhile is seen.
    from blobmaster.inference.evaluator import choose_device
    from blobmaster.selfplay.pool import default_workers
    from blobmaster.training.autotune import autotuned
    from blobmaster.training.trainer import TrainingPipeline

    check_sizes(start)
    decided: list[str] = []
    try:
        config = autotuned(config, decided.append)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    # The number of workers is resolved here and not saved: another machine may have other cores.
    workers = default_workers(config.run.workers)
    identity = checkpoint.meta.identity if checkpoint else new_identity(config)
    pool = None
    if options.backend.name != "threads":
        device = choose_device(config.inference.device)
        opened = options.backend.pool(config.run.workers, device, show=session.show_hosts)
        pool = cluster.enter_context(opened)
    pipeline = TrainingPipeline(config, session, workers, pool)
    if checkpoint is not None:
        restore(pipeline, checkpoint)  # may fail, so before `begin` changes the directory
    if origin is not None:
        initialize(pipeline, origin)
    moved = session.begin(
        identity,
        config.run.iterations,
        checkpoint.meta if checkpoint else None,
        _resume_command(options),
        workers=workers,
        gpu=None if pipeline.gpu_uuid is None else GpuSampler(pipeline.gpu_uuid),
        work=config.work,
        checkpoint=checkpoint.path if checkpoint else None,
        until_commit=_same_command(options, checkpoint.path) if checkpoint else None,
    )
    log_to_file(session.layout.log)
    if moved is not None:  # an earlier run, to the archive
        log.info("continue that run with `%s`", train_command(moved, "--resume"))
    _log_settings(config, checkpoint, origin)
    _log_schedule(config, session.first_iteration)
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
        return _run(pipeline, session, config, compiling)


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


def _log_schedule(config: Config, first: int) -> None:
    """Log how self-play decides, and which iterations lie beyond the learning-rate schedule."""
    total, learning = config.run.iterations, config.learning
    if config.self_play.decide_by == "search":
        log.info(
            "self-play decides by search, now %s: per core-minute, lookahead learns several times "
            "more (--decide-by lookahead, see docs/measurements.md)",
            config.decides_by(first),
        )
    beyond = max(first, learning.schedule_iterations)
    if beyond < total:
        log.warning(
            "iterations %d to %d are beyond the learning-rate schedule and train at its last rate, "
            "%g: --schedule-iterations %d stretches the schedule over them",
            beyond + 1,
            total,
            learning.last_learning_rate,
            total,
        )


def _run(
    pipeline: TrainingPipeline,
    session: RunSession,
    config: Config,
    compiling: contextlib.ExitStack,
) -> dict[str, str]:
    """Train; a run that diverges, loses its cluster or lacks memory fails, without a traceback.

    Args:
        pipeline: holds the state that the run starts from.
        session: has begun.
        config: the settings.
        compiling: is closed as soon as the kernels are compiled.

    Returns:
        Commands to advise after a divergence, by their meaning; else empty.
    """
    from blobmaster.training.learner import DivergedError

    try:
        pipeline.prepare(session.first_iteration)
        compiling.close()
        pipeline.run(session.first_iteration)
    except DivergedError as error:
        # The last commit may still be on its way to the disk, and its file is to be named.
        session.wait_for_commit()
        advice = after_divergence(session.layout.root, config, pipeline.iteration)
        session.fail(
            f"{error}; the last checkpoint is intact, and nothing of this iteration was saved",
            resume_command=next(iter(advice.values())),
        )
        return advice
    except ClusterError as error:
        session.wait_for_commit()
        session.fail(f"{error}; the last checkpoint is intact, and finished blocks are kept")
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        line = out_of_memory_text(error)
        session.fail(line)
        _print_error(line)
    return {}


def _complete_history(options: TrainOptions, checkpoint: VerifiedCheckpoint) -> None:
    """Write the last history rows of a finished run, if its last session could not."""
    layout = RunLayout(options.root)
    try:
        complete_history(layout, checkpoint.meta, _command_line())
    except OSError as error:
        raise RunDirectoryError(
            f"cannot write {layout.history}: {error.strerror}; the checkpoint has its last rows: "
            "make it writable, then resume again"
        ) from None


def _command_line() -> str:
    return " ".join(shell_quoted(word) for word in ["blobmaster", *sys.argv[1:]])


def _say_complete(console: Console, options: TrainOptions, start: Start) -> int:
    """Complete the history, print that nothing is left to train, return the exit status."""
    assert start.checkpoint is not None
    _complete_history(options, start.checkpoint)
    done = start.checkpoint.meta.iteration + 1
    text = complete_text(options.root, start.checkpoint.path, start.config, done)
    if options.is_auto:
        text = f"finished: {text}"
    console.print(text, markup=False, soft_wrap=True)
    return 0
