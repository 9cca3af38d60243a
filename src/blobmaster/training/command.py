"""`blobmaster train`: from a person's flags to a run under way, and what is said at its end."""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.checkpoint.file import PROJECT, Saved, check_made_for, read_saved
from blobmaster.config.config import Config
from blobmaster.config.layers import (
    ConfigError,
    Tables,
    begun_from,
    check_continues,
    compose,
    differences,
    read_file,
)
from blobmaster.config.presets import FAST, GAMES
from blobmaster.run.checkpoints.store import CheckpointStore, RunIdentity
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import DEFAULT_DIRECTORY, RunLayout
from blobmaster.run.session import RunSession
from blobmaster.run.status.gpu import GpuWatch
from blobmaster.terminal.console import ProgressBar, log_to_file, log_to_terminal

if TYPE_CHECKING:
    from blobmaster.training.trainer import TrainingPipeline

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for; None where a flag was not given."""

    root: Path
    is_fast: bool = False
    is_resumed: bool = False
    resume: Path | None = None
    init_from: Path | None = None
    iterations: int | None = None
    training_on: str | None = None
    enable_curriculum: bool = False
    save_every: int | None = None
    workers: int | None = None
    device: str | None = None
    config_file: Path | None = None
    gating_threshold: float | None = None
    seed: int | None = None

    def tables(self) -> list[Tables]:
        """The settings that were given, those that count most last.

        Raises:
            ConfigError: the settings file cannot be read.
        """
        run = {
            name: value
            for name in ("iterations", "training_on", "save_every", "workers", "seed")
            if (value := vars(self)[name]) is not None
        }
        flags: Tables = {"run": run} if run else {}
        if self.device is not None:
            flags["inference"] = {"device": self.device}
        if self.gating_threshold is not None:
            flags["rating"] = {"gating_threshold": self.gating_threshold}
        if self.enable_curriculum:
            flags["curriculum"] = {"enabled": True}
        fast = dict(FAST)
        if self.init_from is not None:
            del fast["network"]  # it is the checkpoint's
        preset = [fast] if self.is_fast else []
        file = [read_file(self.config_file)] if self.config_file is not None else []
        return [*preset, *file, flags]


def run_training(order: Order) -> int:
    """Train as ordered; returns the process's exit status.

    Raises:
        ConfigError, RunError: a person's mistake, or a directory that another trainer holds.
    """
    console = Console(highlight=False)
    checkpoint = _find_checkpoint(order, console) if order.is_resumed else None
    origin = None if order.init_from is None else read_saved(order.init_from)
    config = _settle(order, checkpoint, origin)
    if checkpoint is not None and checkpoint.meta.iteration + 1 >= config.run.iterations:
        _say_complete(console, order, checkpoint)
        return 0
    command = shlex.join(["blobmaster", *sys.argv[1:]])
    with RunSession.open(order.root, command=command) as session:
        log_to_terminal(console)
        _train(session, order, config, checkpoint, origin, console)
    _say_next(console, order, session.exit_status)
    return session.exit_status


def _find_checkpoint(order: Order, console: Console) -> Saved:
    store = CheckpointStore(RunLayout(order.root))
    path = order.resume
    if path is None:
        entry, passed_over = store.newest_whole()
        for damaged, reason in passed_over:
            console.print(f"passed over {damaged}: {reason}", markup=False, soft_wrap=True)
        if entry is None:
            raise CheckpointError(
                f"there is no whole checkpoint in {order.root} to resume: start a run with "
                f"`{_program()} train{_where(order)}`, or name a checkpoint: --resume PATH"
            )
        path = entry.path
    return read_saved(path)


def _settle(order: Order, checkpoint: Saved | None, origin: Saved | None) -> Config:
    """The run's settings: the checkpoint's, the origin's or the defaults, with what was ordered
    over them."""
    if checkpoint is not None:
        config = compose(*order.tables(), base=checkpoint.config)
        check_continues(checkpoint.config, config)
        return config
    base = None if origin is None else begun_from(origin.config)
    config = compose(*order.tables(), base=base)
    if config.plays_games:
        config = compose(GAMES, *order.tables(), base=base)
    if origin is not None:
        _check_begins(origin, config)
    return config


def _check_begins(origin: Saved, config: Config) -> None:
    """Raise `ConfigError` unless a run of these settings can begin from that network."""
    if not config.plays_games:
        raise ConfigError(
            "--init-from begins full games: add --training-on games, or go on with that run by "
            "--resume"
        )
    if config.network != origin.config.network:
        theirs, ours = origin.config.network, config.network
        raise ConfigError(
            f"{origin.path} has a network of width {theirs.width} and {theirs.blocks} blocks, and "
            f"width {ours.width} and {ours.blocks} blocks are asked for: leave out [network]"
        )


def _train(
    session: RunSession,
    order: Order,
    config: Config,
    checkpoint: Saved | None,
    origin: Saved | None,
    console: Console,
) -> None:
    console.print("loading torch and the compiled kernels …")
    # Importing these takes seconds; the session hears requests meanwhile.
    from blobmaster.selfplay.pool import default_workers
    from blobmaster.training.autotune import autotuned
    from blobmaster.training.trainer import TrainingPipeline

    decided: list[str] = []
    try:
        config = autotuned(config, decided.append)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    workers = default_workers(config.run.workers)
    identity = checkpoint.meta.identity if checkpoint else _new_identity(config)
    pipeline = TrainingPipeline(config, session, workers)
    if checkpoint is not None:
        _restore(pipeline, checkpoint)  # before the directory changes: it may be refused
    if origin is not None:
        _begin_from(pipeline, origin)
    moved = session.begin(
        identity,
        config.run.iterations,
        checkpoint.meta if checkpoint else None,
        f"{_program()} train --resume{_where(order)}",
        workers=workers,
        gpu=None if pipeline.gpu_uuid is None else GpuWatch(pipeline.gpu_uuid),
        work=config.work,
    )
    log_to_file(session.layout.log)
    if moved is not None:
        log.info(
            "go on with that run by `%s train --resume --checkpoint-dir %s`",
            _program(),
            shlex.quote(str(moved)),
        )
    if checkpoint is not None:
        log.info("resumed from %s", checkpoint.path)
        for change in differences(checkpoint.config, config):
            log.info("changed since that checkpoint: %s", change)
    if origin is not None:
        log.info("begins from the network of %s, with that run's settings", origin.path)
        for change in differences(origin.config, config):
            log.info("other than there: %s", change)
    elif config.plays_games and checkpoint is None:
        log.info("full games from an untrained network; --init-from begins where a phase 1 ended")
    log.info(
        "training %s, iterations %d to %d, %d workers, %s parameters, in %s",
        identity.run_id,
        session.first_iteration + 1,
        config.run.iterations,
        workers,
        f"{identity.parameters:,}",
        order.root,
    )
    for line in decided:
        log.info(line)
    with ProgressBar(console, session.layout.status):
        _run(pipeline, session)


def _run(pipeline: TrainingPipeline, session: RunSession) -> None:
    from blobmaster.training.learner import DivergedError

    try:
        pipeline.run(session.first_iteration)
    except DivergedError as error:
        session.fail(f"{error}; the last checkpoint is whole, nothing of this iteration was saved")


def _begin_from(pipeline: TrainingPipeline, origin: Saved) -> None:
    import torch

    from blobmaster.checkpoint.network import load_trained

    try:
        pipeline.begin_from(load_trained(origin.path, torch.device("cpu")).network)
    except ValueError as error:
        raise CheckpointError(f"{origin.path}: {error}") from None


def _restore(pipeline: TrainingPipeline, checkpoint: Saved) -> None:
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
    """How a person here starts `blobmaster`: by its name if that is on the path."""
    beside = Path(sys.executable).with_name("blobmaster")
    found = shutil.which("blobmaster")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "blobmaster"
    cwd = Path.cwd()
    return str(beside.relative_to(cwd) if beside.is_relative_to(cwd) else beside)


def _where(order: Order) -> str:
    """The flag that names the run directory, if it is not the default one."""
    if order.root == DEFAULT_DIRECTORY:
        return ""
    return f" --checkpoint-dir {shlex.quote(str(order.root))}"


def _say_complete(console: Console, order: Order, checkpoint: Saved) -> None:
    done = checkpoint.meta.iteration + 1
    console.print(
        f"{checkpoint.path.name} has all {done} iterations: train on with\n"
        f"  {_program()} train --resume --iterations {2 * done}{_where(order)}",
        markup=False,
        soft_wrap=True,
    )


def _say_next(console: Console, order: Order, exit_status: int) -> None:
    program, where = _program(), _where(order)
    commands = {
        "watch the run, from any terminal": f"{program} monitor{where}",
        "go on with it (--iterations N for more)": f"{program} train --resume{where}",
        "the real run: 500 iterations, days long": f"{program} train --enable-curriculum{where}",
    }
    if exit_status != 0:
        commands = {"go on from the last commit": f"{program} train --resume{where}"}
    console.print("\nnext:")
    for meaning, command in commands.items():
        console.print(f"  {meaning}\n    {command}", markup=False, soft_wrap=True)
