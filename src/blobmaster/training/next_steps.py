"""Commands that `blobmaster train` advises: they work as printed, from any folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from blobmaster.config.config import Config
from blobmaster.config.presets import is_fast
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.layout import DEFAULT_DIRECTORY, RunLayout
from blobmaster.run.files.text import shell_quoted

LOWER = 4.0
"""Divisor of the learning rate that a run which diverged is advised to go on with."""


def train_command(root: Path, *arguments: str) -> str:
    """Return a `blobmaster train` command for a run directory.

    Only a run in the default directory needs no path; the commands of all others name it from the
    root of the file system, since a status may be read from any folder.
    """
    return " ".join([_program(root), "train", *arguments]) + _where(root)


def resume_arguments(root: Path, checkpoint: Path) -> list[str]:
    """Return the arguments that resume from a checkpoint, the newest in the run's own folders."""
    if RunLayout(root).is_own_checkpoint(checkpoint):
        return ["--resume"]
    return ["--resume", shell_quoted(str(checkpoint.absolute()))]


def complete_text(root: Path, checkpoint: Path, config: Config, done: int) -> str:
    """Describe a run that has all its iterations, and the command that trains on."""
    longer = extension(root, config, done, resume_arguments(root, checkpoint))
    return f"{checkpoint.name} has all {done} iterations; to train on:\n  {longer}"


def extension(root: Path, config: Config, done: int, resume: Sequence[str] = ("--resume",)) -> str:
    """Return the command that makes a run of `done` iterations twice as long."""
    longer = 2 * done
    arguments = [*resume, "--iterations", str(longer)]
    # Beyond the schedule the learning rate stays at its last value, and little is learned.
    if longer > config.learning.schedule_iterations:
        arguments += ["--schedule-iterations", str(longer)]
    return train_command(root, *arguments)


def after_training(
    root: Path, config: Config, *, is_finished: bool, resume_command: str | None = None
) -> dict[str, str]:
    """Return the commands after a run has finished or paused, by their meaning.

    Args:
        root: the run directory.
        config: the settings.
        is_finished: the run has all its iterations.
        resume_command: the command that continues it, if it is not the usual one.
    """
    go_on = (
        {"train it twice as long": extension(root, config, config.run.iterations)}
        if is_finished
        else {"continue it": resume_command or train_command(root, "--resume")}
    )
    watch = {"watch the run, from any terminal": f"{_program(root)} monitor{_where(root)}"}
    if not is_fast(config):
        return watch | go_on
    # It moves the quick run to the archive, and must not do that to another one.
    real = f"the real run: {Config().run.iterations} iterations, hours long"
    return watch | go_on | {real: train_command(root)}


def after_divergence(root: Path, config: Config, iteration: int) -> dict[str, str]:
    """Return the commands after an iteration (0-based) diverged, by their meaning.

    The same weights at the same rate would diverge again.
    """
    learning = config.learning
    is_past = iteration >= learning.schedule_iterations
    flag = "--last-learning-rate" if is_past else "--learning-rate"
    rate = learning.last_learning_rate if is_past else learning.learning_rate
    commands = {
        f"continue at {1 / LOWER:g} of the learning rate": train_command(
            root, "--resume", flag, f"{rate / LOWER:g}"
        )
    }
    permanent = [e for e in CheckpointStore(RunLayout(root)).entries() if e.permanent]
    earlier = [entry for entry in permanent if entry.name.iteration < iteration - 1]
    if earlier:
        path = shell_quoted(str(earlier[-1].path.absolute()))
        commands["or go back to an earlier checkpoint"] = train_command(root, "--resume", path)
    return commands


def print_commands(console: Console, commands: Mapping[str, str]) -> None:
    """Print commands below their meanings."""
    console.print("\nnext:")
    for meaning, command in commands.items():
        console.print(f"  {meaning}\n    {command}", markup=False, soft_wrap=True)


def _program(root: Path) -> str:
    """Return the command that starts this `blobmaster`: its name if that is on the path."""
    beside = Path(sys.executable).with_name("blobmaster")
    found = shutil.which("blobmaster")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "blobmaster"
    cwd = Path.cwd()
    is_here = root == DEFAULT_DIRECTORY and beside.is_relative_to(cwd)
    return shell_quoted(str(beside.relative_to(cwd) if is_here else beside))


def _where(root: Path) -> str:
    """Return the flag that names the run directory, if it is not the default one."""
    if root == DEFAULT_DIRECTORY:
        return ""
    return f" --checkpoint-dir {shell_quoted(str(root.absolute()))}"
