"""`blobmaster watch`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import PATH, directory, require_unix


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@directory
@click.option("--status-file", type=PATH, help="Status file to watch.")
@click.option(
    "--notify",
    "addresses",
    metavar="URL...",
    multiple=True,
    envvar="BLOBMASTER_NOTIFY",
    show_envvar=True,
    help="Send to https://host/hook, ntfy(s)://host/topic or any apprise address.",
)
@click.option(
    "--refresh-interval",
    type=float,
    default=5.0,
    show_default=True,
    help="Seconds between two reads of the run.",
)
def watch(
    folders: tuple[str, ...],
    root: Path,
    status_file: Path | None,
    addresses: tuple[str, ...],
    refresh_interval: float,
) -> int:
    """Send a message when a run finishes, fails, stalls, loses Elo and the like.

    Given several DIRs, or a folder with runs below it, all of them are watched. Several URLs may
    follow one --notify.
    """
    require_unix()
    from blobmaster.monitor.notify.command import run_watch
    from blobmaster.monitor.notify.targets import parse_target
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.files.layout import RunLayout

    addresses += tuple(folder for folder in folders if "://" in folder)
    paths = tuple(Path(folder) for folder in folders if "://" not in folder)
    if status_file is not None and paths:
        raise click.UsageError("--status-file and DIR both name a run: leave out one of them")
    if not addresses:
        raise click.UsageError(
            "no address given: add --notify https://host/hook or ntfys://host/topic"
        )
    try:
        targets = [parse_target(address) for address in addresses]
        view_options = MonitorOptions(
            status_file=status_file or RunLayout(root).status,
            folders=paths,
            refresh_interval=refresh_interval,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_watch(view_options, targets)
