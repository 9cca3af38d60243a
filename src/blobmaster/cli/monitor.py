"""`blobmaster monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blobmaster.cli.shared import PATH, directory, require_unix
from blobmaster.monitor.serve.address import DEFAULT_ADDRESS


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
@click.option(
    "--serve",
    is_flag=False,
    flag_value=DEFAULT_ADDRESS,
    metavar="[HOST:PORT]",
    help=f"Serve the view as a page for a browser; {DEFAULT_ADDRESS} by default.",
)
@click.option("--control", is_flag=True, help="With --serve: let the page pause the run.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="With --serve: allow an address that other machines can reach.",
)
@click.option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    help="With --serve: a further name by which browsers reach it, such as a proxy's.",
)
def monitor(root: Path, status_file: Path | None, as_json: bool, **options: Any) -> int:
    """Watch a run; p pauses it, q quits the monitor and lets the run go on.

    Given several DIRs, or a folder with runs below it, the monitor lists them and Enter opens
    one.
    """
    require_unix()
    from blobmaster.monitor.command import run_monitor
    from blobmaster.monitor.options import MonitorOptions
    from blobmaster.run.files.layout import RunLayout

    try:
        options["serve"], options["folders"] = _serving(options)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if status_file is not None and options["folders"]:
        raise click.UsageError("--status-file and DIR both name a run: leave out one of them")
    try:
        view_options = MonitorOptions(
            status_file=status_file or RunLayout(root).status, json=as_json, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return run_monitor(view_options)


def _serving(options: dict[str, Any]) -> tuple[Any, tuple[Path, ...]]:
    """Take the options of the page out of the others; return them, and the folders to show.

    `--serve DIR` means the folder, served at the usual address.

    Raises:
        ValueError: the address is none, or an option has no use without --serve.
    """
    from blobmaster.monitor.options import ServeOptions
    from blobmaster.monitor.serve.address import looks_like_address, parse_address

    address = options.pop("serve")
    folders = options["folders"]
    names = ("control", "allow_remote", "host_names")
    given = {name: options.pop(name) for name in names}
    if address is None:
        without = [f"--{name.removesuffix('s').replace('_', '-')}" for name in names if given[name]]
        if without:
            raise ValueError(f"{without[0]} is for the page in a browser: add --serve")
        return None, folders
    if not looks_like_address(address) and Path(address).is_dir():
        address, folders = DEFAULT_ADDRESS, (Path(address), *folders)
    return ServeOptions(address=parse_address(address), **given), folders
