"""`blobmaster track`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blobmaster.cli.shared import PATH, require_unix
from blobmaster.monitor.track.registry import NAMES
from blobmaster.run.files.layout import DEFAULT_DIRECTORY


@click.command()
@click.argument("tracker", type=click.Choice(NAMES))
@click.argument("folders", metavar="[RUN_DIR]...", nargs=-1, type=PATH)
@click.option("--follow", is_flag=True, help="Go on until every run has finished.")
@click.option(
    "--into",
    "target",
    type=PATH,
    help="Folder for the tracker's files; tracking/TRACKER by default.",
)
@click.option("--project", default="blobmaster", show_default=True, help="Project or experiment.")
@click.option(
    "--refresh-interval",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    help="Seconds between two looks at the runs, with --follow.",
)
def track(tracker: str, folders: tuple[Path, ...], target: Path | None, **options: Any) -> int:
    """Export the history of runs to a tracker: old ones, and those that are training.

    Started again, it adds what is missing. RUN_DIR is models/checkpoints by default.
    """
    require_unix()
    from blobmaster.monitor.track.command import TrackOptions, run_track

    chosen = TrackOptions(
        tracker=tracker,
        folders=folders or (Path(DEFAULT_DIRECTORY),),
        target=target or Path("tracking") / tracker,
        **options,
    )
    return run_track(chosen)
