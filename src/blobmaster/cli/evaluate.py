"""`blobmaster evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.agents.registry import opponents_help
from blobmaster.cli.shared import PATH, end_process

HELP = f"""Measure CHECKPOINT against each PLAYER, who takes all other seats.

PLAYER is one of {opponents_help()}.
"""


@click.command(help=HELP)
@click.argument("checkpoint", type=PATH)
@click.argument("more", metavar="", nargs=-1)
@click.option(
    "--search",
    metavar="SEARCH",
    help="Let CHECKPOINT search: worlds x simulations, such as 3x35, or belief:WORLDS.",
)
@click.option(
    "--against",
    metavar="PLAYER...",
    multiple=True,
    help="Opponents (random, heuristic and ismcts-100 by default).",
)
@click.option("--players", type=int, default=4, show_default=True, help="Seats at a table.")
@click.option("--cards", type=int, default=5, show_default=True, help="Cards dealt to each.")
@click.option(
    "--deals",
    type=int,
    default=300,
    show_default=True,
    help="Deals per opponent, each played from every seat.",
)
@click.option("--games", is_flag=True, help="Play full games that start with --cards cards.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    help="Worker threads; 0 starts one per core.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="Device of the networks.",
)
@click.option("--until-sure", is_flag=True, help="Stop as soon as the difference is significant.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(
    checkpoint: Path, more: tuple[str, ...], against: tuple[str, ...], **options: Any
) -> NoReturn:
    """Evaluate a checkpoint; `HELP` is what the command prints."""
    from blobmaster.evaluation.command import run_evaluation
    from blobmaster.evaluation.request import parse_request

    if more and not against:
        raise click.UsageError(f"put --against before the opponents: --against {' '.join(more)}")
    try:
        status = run_evaluation(parse_request(checkpoint, (*against, *more), **options))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    end_process(status)
