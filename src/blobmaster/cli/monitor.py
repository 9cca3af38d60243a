"""`blobmaster monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blobmaster.cli.shared import directory


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to show.")
@click.option(
    "--control-file",
    type=click.Path(path_type=Path),
    help="Where requests go; control.signal beside the status file by default.",
)
@click.option("--refresh-interval", type=float, default=5.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Print one page; the exit status tells the state.")
@click.option("--plain", is_flag=True, help="No screen: a line whenever something changes.")
@click.option("--json", "as_json", is_flag=True, help="What is shown, as JSON.")
@click.option(
    "--prometheus",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="No screen: keep FILE current for a Prometheus textfile collector.",
)
@click.option("--readonly", is_flag=True, help="Leave out the keys that write.")
def monitor(root: Path, status_file: Path | None, as_json: bool, **options: Any) -> int:
    """Watch a run; p pauses it, q leaves it alone and quits.

    With DIRs, or a folder that has runs below it, all of them are listed and Enter opens one.
    """
    from blobmaster.monitor.command import run_monitor
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.files.layout import RunLayout

    if status_file is not None and options["folders"]:
        raise click.UsageError("--status-file names a run: leave out either it or the folders")
    try:
        wanted = MonitorOptions(
            status_file=status_file or RunLayout(root).status, json=as_json, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_monitor(wanted)
