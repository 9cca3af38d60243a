"""`blobmaster evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from blobmaster.agents.registry import opponents_help
from blobmaster.cli.backend_flags import backend_flags
from blobmaster.cli.shared import PATH, end_process
from blobmaster.evaluation.breakdown.request import HELP as BY_HELP

HELP = f"""Measure CHECKPOINT against each PLAYER, who takes all other seats.

With --matrix, CHECKPOINT is a run directory: its rated checkpoints and the PLAYERs play at tables
of each other.

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
    "--after",
    type=click.IntRange(min=0, max=50),
    default=0,
    metavar="ROUNDS",
    help="Let each table play ROUNDS rounds first, which do not count, so that players adapt.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0, max=1024),
    default=0,
    help="Worker threads, or the most Ray actors; 0 starts one per core.",
)
@backend_flags
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="Device of the networks.",
)
@click.option("--until-sure", is_flag=True, help="Stop as soon as the difference is significant.")
@click.option("--by", metavar="DIMENSION,...", help=BY_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--matrix", is_flag=True, help="Rated checkpoints of a run against each other.")
@click.option(
    "--most",
    type=click.IntRange(min=2),
    default=8,
    show_default=True,
    help="With --matrix: checkpoints, evenly spread over the run.",
)
@click.option(
    "-o", "--output", type=PATH, metavar="FILE", help="With --matrix: write a heat map as HTML."
)
def evaluate(
    checkpoint: Path, more: tuple[str, ...], against: tuple[str, ...], matrix: bool, **options: Any
) -> NoReturn:
    """Evaluate a checkpoint; `HELP` is what the command prints."""
    if more and not against:
        raise click.UsageError(f"put --against before the opponents: --against {' '.join(more)}")
    run = _run_matrix if matrix else _run_evaluation
    try:
        status = run(checkpoint, (*against, *more), options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    end_process(status)


def _run_evaluation(checkpoint: Path, against: tuple[str, ...], options: dict[str, Any]) -> int:
    from blobmaster.agents.registry import CHECKPOINT
    from blobmaster.checkpoint.file import check_present
    from blobmaster.evaluation.command import run_evaluation
    from blobmaster.evaluation.request import parse_request

    if options.pop("output") is not None:
        raise ValueError("--output is for the heat map of --matrix: add --matrix, or use --json")
    del options["most"]
    request = parse_request(checkpoint, against, **options)
    for player in (request.player, *request.opponents):
        if player.kind == CHECKPOINT.name:
            check_present(player.path)
    return run_evaluation(request)


def _run_matrix(run: Path, against: tuple[str, ...], options: dict[str, Any]) -> int:
    from blobmaster.evaluation.matrix.command import run_matrix
    from blobmaster.evaluation.matrix.request import parse_matrix

    for name in ("search", "games", "after", "until_sure", "by"):
        if options.pop(name):
            flag = f"--{name.replace('_', '-')}"
            raise ValueError(
                f"--matrix plays rounds of one size without search and to the end: leave out {flag}"
            )
    return run_matrix(parse_matrix(run, against, **options))
