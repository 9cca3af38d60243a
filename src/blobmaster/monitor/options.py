"""What the monitor is asked to show, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blobmaster.run.files.layout import RunLayout

SHORTEST_INTERVAL_S: Final = 0.1
LONGEST_INTERVAL_S: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class MonitorOptions:
    """Settings of one monitor; raises ValueError, one line, for those that make no sense."""

    status_file: Path = Path("models/checkpoints/status.json")
    folders: tuple[Path, ...] = ()
    """Show the runs at and below these in place of `status_file`."""
    control_file: Path | None = None
    """Where requests go; beside the status file by default, so over sshfs they reach its run."""
    refresh_interval: float = 5.0
    """Seconds between looks."""
    once: bool = False
    """Print one page and leave with an exit status that tells the state."""
    plain: bool = False
    """No screen: a line whenever something changes."""
    json: bool = False
    """The view's data as JSON; with `plain` one object a line, else once."""
    prometheus: Path | None = None
    """No screen: a file kept current for a textfile collector; with `once` written once."""
    readonly: bool = False
    """Leave out whatever writes to the run."""

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
        if len(self.folders) > 1 and self.control_file is not None:
            raise ValueError("--control-file is for one run; each has its own beside its status")

    @property
    def layout(self) -> RunLayout:
        """The run directory that the status file lies in."""
        return RunLayout(self.status_file.parent)

    @property
    def control(self) -> Path:
        """Where requests are left."""
        return self.control_file or self.layout.control
