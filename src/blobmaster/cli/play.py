"""`blobmaster play`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.cli.shared import end_process


@click.command()
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option("--players", type=int, help="Seats at the table, yours included: 3 to 8 (4).")
@click.option("--cards", type=int, help="Cards dealt to each in the longest rounds (7).")
@click.option("--one-round", is_flag=True, help="One round of that many cards, not a whole game.")
@click.option("--seat", type=int, help="Your seat; seat 1 deals first. Drawn by default.")
@click.option("--seed", type=int, help="Of the cards and of all that the networks draw.")
@click.option(
    "--search",
    metavar="DxS",
    help="How the networks and their advice search: worlds x simulations, or none.",
)
@click.option("--resume", is_flag=True, help="Take up the game that was left last.")
@click.option("--saved", type=click.Path(path_type=Path), help="The file that keeps the game.")
@click.option("--plain", is_flag=True, help="Lines instead of a screen, as for a screen reader.")
@click.option("--pace", type=float, default=0.8, show_default=True, help="Seconds a move is shown.")
def play(**options: Any) -> NoReturn:
    """Play Blob against the network of CHECKPOINT: a seat for you, it at all others.

    A game that is left is kept and goes on with --resume.
    """
    if sys.stderr.isatty():
        click.echo("loading torch and the kernels; where none are compiled, a minute …", err=True)
    from blobmaster.play.command import PlayOrder, run_play

    try:
        status = run_play(PlayOrder(**options))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    end_process(status)
