"""`blobmaster bench`."""

from __future__ import annotations

import click

from blobmaster.bench.parts import PARTS

HELP = f"""Measure the speed of some PARTS, or of all.

PARTS are {", ".join(PARTS)}.
"""


@click.command(help=HELP)
@click.argument("parts", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def bench(parts: tuple[str, ...], as_json: bool) -> int:
    """Measure speed; `HELP` is what the command prints."""
    from blobmaster.bench.command import run_bench

    try:
        return run_bench(parts, as_json=as_json)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
