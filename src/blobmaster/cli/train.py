"""`blobmaster train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.cli.shared import NEWEST, directory, end_process


@click.command()
@click.option("--iterations", type=int, help="Train up to this many iterations in all.")
@click.option("--fast", is_flag=True, help="A small run: five iterations in about a minute.")
@click.option("--training-on", type=click.Choice(["rounds", "games"]), help="Phase 1 or phase 2.")
@click.option("--enable-curriculum", is_flag=True, help="Let search and rounds grow.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[PATH]",
    help="Go on from the newest whole checkpoint, or from PATH.",
)
@click.option(
    "--init-from",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Begin phase 2 from the network of a phase 1.",
)
@directory
@click.option("--save-every", type=int, help="Commit every so many iterations.")
@click.option("--workers", type=int, help="Threads that play; 0 is one a core.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="For the network.")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="A TOML file of settings."
)
@click.option(
    "--gating-threshold",
    "--promotion-threshold",
    "gating_threshold",
    type=float,
    metavar="SHARE",
    help="Let a rated network play only if ahead in this share of deals; 0.5 are equals, 0 is off.",
)
@click.option("--seed", type=int, help="Of all the run's random streams.")
def train(root: Path, resume: str | None, fast: bool, **flags: Any) -> NoReturn:
    """Train, from the start or with --resume from where a run stands."""
    from blobmaster.training.command import Order, run_training

    if resume is not None and flags["init_from"] is not None:
        raise click.UsageError(
            "--init-from begins a run and --resume goes on with one: leave out one of them"
        )
    order = Order(
        root=root,
        resume=None if resume in (None, NEWEST) else Path(str(resume)),
        is_resumed=resume is not None,
        is_fast=fast,
        **flags,
    )
    end_process(run_training(order))
