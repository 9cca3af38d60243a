"""`blobmaster train`. The flags of settings are declared beside the settings, in `config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.cli.setting_flags import setting_flags, taken_from
from blobmaster.cli.shared import NEWEST, directory, end_process


@click.command()
@click.option(
    "--fast", is_flag=True, help="Train a small network for five iterations, in about a minute."
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[PATH]",
    help="Resume the run from its newest whole checkpoint, or from PATH.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Start phase 2 from the network and settings of a phase 1.",
)
@directory
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file of settings; `blobmaster settings --toml` prints one.",
)
@setting_flags
def train(
    root: Path,
    fast: bool,
    resume: str | None,
    init_from: Path | None,
    config_file: Path | None,
    **flags: Any,
) -> NoReturn:
    """Train a player, from the start or with --resume from the newest checkpoint."""
    from blobmaster.training.command import run_training
    from blobmaster.training.options import TrainOptions

    if resume is not None and init_from is not None:
        raise click.UsageError(
            "--init-from starts a run and --resume continues one: leave out one of them"
        )
    options = TrainOptions(
        root=root,
        is_fast=fast,
        is_resumed=resume is not None,
        resume=None if resume in (None, NEWEST) else Path(str(resume)),
        init_from=init_from,
        config_file=config_file,
        flags=taken_from(flags),
    )
    end_process(run_training(options))
