"""`blobmaster bench`."""

from __future__ import annotations

import click


@click.command()
@click.argument("parts", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(parts: tuple[str, ...], as_json: bool) -> int:
    """Measure the speed of some PARTS, or of all.

    PARTS are selfplay, lookahead, scaling, formats, learner, checkpoint, status, engine, monitor
    and watched.
    """
    from blobmaster.bench.command import run_bench

    try:
        return run_bench(parts, as_json=as_json)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
