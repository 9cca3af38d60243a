"""`blobmaster report`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import PATH, directory, require_unix


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=PATH)
@directory
@click.option("--status-file", type=PATH, help="Status file of the run.")
@click.option(
    "-o",
    "--output",
    type=PATH,
    default=Path("report.html"),
    show_default=True,
    help="File to write; an existing report is replaced.",
)
def report(folder: Path | None, root: Path, status_file: Path | None, output: Path) -> int:
    """Write a run's curves, settings and checkpoints to one self-contained HTML file."""
    require_unix()
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.monitor.report.command import run_report
    from blobmaster.run.files.layout import RunLayout

    if status_file is not None and folder is not None:
        raise click.UsageError("--status-file and DIR both name a run: leave out one of them")
    folders = () if folder is None else (folder,)
    status = status_file or RunLayout(root).status
    return run_report(MonitorOptions(status_file=status, folders=folders), output)
