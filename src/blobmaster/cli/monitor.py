"""`blobmaster monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blobmaster.cli.shared import PATH, directory, require_unix


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=PATH)
@directory
@click.option("--status-file", type=PATH, help="Status file to show.")
@click.option(
    "--control-file",
    type=PATH,
    help="File for requests; control.signal beside the status file by default.",
)
@click.option(
    "--refresh-interval",
    type=float,
    default=5.0,
    show_default=True,
    help="Seconds between two reads of the run.",
)
@click.option(
    "--once", is_flag=True, help="Print one page and exit; the exit status gives the state."
)
@click.option(
    "--plain", is_flag=True, help="Print a line whenever something changes, without a full screen."
)
@click.option("--json", "as_json", is_flag=True, help="Print the view as JSON.")
@click.option(
    "--prometheus",
    type=PATH,
    metavar="FILE",
    help="Keep FILE up to date for a Prometheus textfile collector, without a full screen.",
)
@click.option("--readonly", is_flag=True, help="Disable the keys that control the run.")
def monitor(root: Path, status_file: Path | None, as_json: bool, **options: Any) -> int:
    """Watch a run; p pauses it, q quits the monitor and lets the run go on.

    Given several DIRs, or a folder with runs below it, the monitor lists them and Enter opens
    one.
    """
    require_unix()
    from blobmaster.monitor.command import run_monitor
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.files.layout import RunLayout

    if status_file is not None and options["folders"]:
        raise click.UsageError("--status-file and DIR both name a run: leave out one of them")
    try:
        view_options = MonitorOptions(
            status_file=status_file or RunLayout(root).status, json=as_json, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_monitor(view_options)
