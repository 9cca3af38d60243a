"""`blobmaster ground-truth`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import PATH


@click.command("ground-truth")
@click.argument("checkpoint", required=False, type=PATH)
@click.option(
    "--players",
    multiple=True,
    type=int,
    default=(3, 4, 5, 6),
    help="Players; may be given repeatedly.",
)
@click.option(
    "--recipe",
    is_flag=True,
    help="Also train in tables as self-play does, with an exact critic; takes minutes.",
)
@click.option(
    "--last-round",
    is_flag=True,
    help="Also solve the last round of games for the share of the win, for up to 4 players.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def ground_truth(
    checkpoint: Path | None,
    players: tuple[int, ...],
    recipe: bool,
    last_round: bool,
    as_json: bool,
) -> int:
    """Compare the network of CHECKPOINT with exact solutions of small rounds."""
    from blobmaster.evaluation.exact.command import run_ground_truth

    try:
        return run_ground_truth(
            checkpoint, players, recipe=recipe, last_round=last_round, as_json=as_json
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
