"""Options of the monitor, the report and the watch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blobmaster.monitor.serve.address import Address
from blobmaster.run.files.layout import RunLayout

SHORTEST_INTERVAL_S: Final = 0.1
LONGEST_INTERVAL_S: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Options of the page in the browser.

    Raises:
        ValueError: the address can be reached from other machines without consent; one line.
    """

    address: Address
    allow_remote: bool = False
    """Consent to an address that other machines can reach."""
    host_names: tuple[str, ...] = ()
    """Names by which browsers reach the server besides its address, such as that of a proxy."""
    control: bool = False
    """Let the page send requests to the trainer."""

    def __post_init__(self) -> None:
        if not (self.address.is_loopback or self.allow_remote):
            raise ValueError(
                f"{self.address.host} can be reached from other machines, and the page is not "
                "encrypted: use an ssh tunnel or a proxy (docs/monitor.md), or add --allow-remote"
            )


@dataclass(frozen=True, kw_only=True)
class MonitorOptions:
    """Options of one command.

    Raises:
        ValueError: an option is out of range, or two exclude each other; one line.
    """

    status_file: Path = Path("models/checkpoints/status.json")
    folders: tuple[Path, ...] = ()
    """Show the runs at and below these folders instead of `status_file`."""
    control_file: Path | None = None
    """File for requests; by default beside the status file, so that it works over sshfs."""
    refresh_interval: float = 5.0
    """Seconds between readings."""
    once: bool = False
    """Print one page and exit with a status that tells the run's state."""
    plain: bool = False
    """Print a line whenever something changes, without a screen."""
    json: bool = False
    """Print the view as JSON: one object, or with `plain` one per change."""
    prometheus: Path | None = None
    """Keep this file current for a Prometheus textfile collector; with `once`, write it once."""
    readonly: bool = False
    """Disable the keys that send requests to the run."""
    serve: ServeOptions | None = None
    """Serve the view as a page, without a screen."""

    def __post_init__(self) -> None:
        if not SHORTEST_INTERVAL_S <= self.refresh_interval <= LONGEST_INTERVAL_S:
            raise ValueError(
                f"--refresh-interval is {self.refresh_interval:g} s; choose between "
                f"{SHORTEST_INTERVAL_S:g} and {LONGEST_INTERVAL_S:g}"
            )
        if self.prometheus is not None and (self.plain or self.json):
            raise ValueError(
                "--prometheus writes a file and prints nothing: leave out --plain and --json, or "
                "start a second monitor for them"
            )
        if self.serve is not None:
            self._check_serve(self.serve)
        if len(self.folders) > 1 and self.control_file is not None:
            raise ValueError("--control-file is for one run; each has its own beside its status")

    def _check_serve(self, serve: ServeOptions) -> None:
        if self.once or self.plain or self.json or self.prometheus is not None:
            raise ValueError(
                "--serve prints nothing but an address: leave out --once, --plain, --json and "
                "--prometheus, or start a second monitor for them"
            )
        if self.readonly and serve.control:
            raise ValueError("--readonly and --control exclude each other: leave out one of them")

    @property
    def layout(self) -> RunLayout:
        """Layout of the run directory with the status file."""
        return RunLayout(self.status_file.parent)

    @property
    def control(self) -> Path:
        """File for requests."""
        return self.control_file or self.layout.control

    def for_run(self, run: Path) -> MonitorOptions:
        """Return the same options for the run in a folder."""
        return replace(self, status_file=RunLayout(run).status)
