"""`blobmaster watch`."""

from __future__ import annotations

from pathlib import Path

import click

from blobmaster.cli.shared import directory


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@directory
@click.option("--status-file", type=click.Path(path_type=Path), help="The status to watch.")
@click.option(
    "--notify",
    "addresses",
    metavar="URL...",
    multiple=True,
    envvar="BLOBMASTER_NOTIFY",
    show_envvar=True,
    help="Where to: https://host/hook, ntfy(s)://host/topic, or any address of apprise.",
)
@click.option("--refresh-interval", type=float, default=5.0, show_default=True, help="Seconds.")
def watch(
    folders: tuple[str, ...],
    root: Path,
    status_file: Path | None,
    addresses: tuple[str, ...],
    refresh_interval: float,
) -> int:
    """Tell when a run has finished, failed, stalled, lost Elo and the like; no screen.

    With DIRs, or a folder that has runs below it, all of them are watched. Several URLs may follow
    one --notify.
    """
    from blobmaster.monitor.notify.command import run_watch
    from blobmaster.monitor.notify.targets import target
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.files.layout import RunLayout

    addresses += tuple(folder for folder in folders if "://" in folder)
    paths = tuple(Path(folder) for folder in folders if "://" not in folder)
    if status_file is not None and paths:
        raise click.UsageError("--status-file names a run: leave out either it or the folders")
    if not addresses:
        raise click.UsageError("say where to: --notify https://host/hook or ntfys://host/topic")
    try:
        targets = [target(address) for address in addresses]
        wanted = MonitorOptions(
            status_file=status_file or RunLayout(root).status,
            folders=paths,
            refresh_interval=refresh_interval,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_watch(wanted, targets)
