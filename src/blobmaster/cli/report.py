"""`blobmaster report`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import directory


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to tell of.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The file to write; an earlier report there is replaced.",
)
def report(folder: Path | None, root: Path, status_file: Path | None, output: Path) -> int:
    """Write a run's curves, settings and checkpoints to one HTML file that needs no network."""
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.monitor.report.command import run_report
    from blobmaster.run.files.layout import RunLayout

    if status_file is not None and folder is not None:
        raise click.UsageError("--status-file names a run: leave out either it or DIR")
    folders = () if folder is None else (folder,)
    status = status_file or RunLayout(root).status
    return run_report(MonitorOptions(status_file=status, folders=folders), output)
