"""`blobmaster play`."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from blobmaster.cli.shared import PATH, end_process, require_unix


@click.command()
@click.argument("checkpoint", required=False, type=PATH)
@click.option("--players", type=int, help="Players, including you: 3 to 8 (4).")
@click.option("--cards", type=int, help="Cards per player in the longest rounds (7).")
@click.option(
    "--one-round", is_flag=True, help="Play one round of that many cards instead of a full game."
)
@click.option("--seat", type=int, help="Your seat; seat 1 deals first. Random by default.")
@click.option("--seed", type=int, help="Random seed of the deals and the networks.")
@click.option(
    "--search",
    metavar="SEARCH",
    help="Search of the networks and their advice: worlds x simulations, belief:WORLDS, or none "
    "(belief:256:styles for a network that adapts).",
)
@click.option("--resume", is_flag=True, help="Continue the saved game.")
@click.option("--saved", type=PATH, help="File in which the game is saved.")
@click.option(
    "--plain", is_flag=True, help="Print lines instead of a full screen; suits a screen reader."
)
@click.option(
    "--pace",
    type=float,
    default=0.8,
    show_default=True,
    help="Seconds for which each move is shown.",
)
def play(**options: Any) -> NoReturn:
    """Play Blob against the network of CHECKPOINT, which takes all other seats.

    An unfinished game is saved and continues with --resume.
    """
    require_unix()
    if sys.stderr.isatty():
        click.echo(
            "loading torch and the kernels; the first time, compiling takes a minute …", err=True
        )
    from blobmaster.play.command import PlayRequest, run_play

    try:
        status = run_play(PlayRequest(**options))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    end_process(status)
