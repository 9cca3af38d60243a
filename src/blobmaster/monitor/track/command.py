"""`blobmaster track`: replays the histories of runs to a tracker, and follows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console

from blobmaster.monitor.exit_signals import exit_on_signals
from blobmaster.monitor.output import INTERRUPTED, refuse, report_error, write_out
from blobmaster.monitor.read.runs import find_runs
from blobmaster.monitor.text import fmt
from blobmaster.monitor.track.registry import find
from blobmaster.monitor.track.replay import Replay
from blobmaster.monitor.track.rows import History, settings_of
from blobmaster.monitor.track.tracker import TrackedRun, Tracker
from blobmaster.run.errors import StatusError
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import read_status
from blobmaster.terminal.console import Tally

COMMAND: Final = "track"


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """Options of `blobmaster track`."""

    tracker: str
    folders: tuple[Path, ...]
    """Run directories, or folders with some below them."""
    target: Path
    """Folder for the tracker's store."""
    project: str = "blobmaster"
    follow: bool = False
    """Go on until every run has finished."""
    refresh_interval: float = 5.0
    """Seconds between two looks at the histories."""


def run_track(options: TrackOptions) -> int:
    """Export the runs; returns the process's exit status."""
    tracker = find(options.tracker)
    if not _is_installed(tracker.package):
        return refuse(
            COMMAND,
            f"{tracker.package} is not installed: pip install 'blobmaster[{tracker.name}]'",
        )
    followed = [_Followed(options, tracker, run) for run in find_runs(options.folders)]
    problem = _first_problem(options.folders) or _unreadable(followed, options.follow)
    if problem is not None:
        return refuse(COMMAND, problem)
    exit_on_signals()
    try:
        options.target.mkdir(parents=True, exist_ok=True)
        _export(options, followed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return refuse(COMMAND, f"cannot export to {options.target}: {error.strerror or error}")
    finally:
        for run in followed:
            run.close()
    write_out(f"look at it with: {tracker.to_look.format(folder=options.target)}\n")
    return 0


def _export(options: TrackOptions, followed: Sequence[_Followed]) -> None:
    # By runs: within one, a tracker takes all rows in one piece, so that a kill leaves old or new.
    with Tally(Console(stderr=True), "runs", len(followed)) as tally:
        for run in followed:
            run.update()
            tally.advance(1)
    while options.follow and not all(run.has_finished() for run in followed):
        time.sleep(options.refresh_interval)
        for run in followed:
            run.update()


def _is_installed(package: str) -> bool:
    found = find_spec(package)
    # A folder of that name in the working directory, as wandb makes one, is found without origin.
    return found is not None and found.origin is not None


def _first_problem(folders: Sequence[Path]) -> str | None:
    for folder in folders:
        if not folder.is_dir():
            return f"there is no folder {folder}; name run directories"
    return None


def _unreadable(followed: Sequence[_Followed], follow: bool) -> str | None:
    """Return why there is nothing to export; a run that is followed may have no iteration yet."""
    ids: dict[str, Path] = {}
    for run in followed:
        try:
            run.history.refresh()
        except OSError as error:
            return f"cannot read {run.layout.history}: {error.strerror}"
        if not run.history.rows and not follow:
            return (
                f"{run.layout.history} has no iteration of a run: name a run directory, or add "
                "--follow to wait for one"
            )
        other = ids.setdefault(run.history.run_id, run.layout.root)
        if run.history.run_id and other != run.layout.root:
            return f"{other} and {run.layout.root} hold the same run: name one of them"
    return None


class _Followed:
    """A run directory whose newest run is exported."""

    def __init__(self, options: TrackOptions, tracker: Tracker, folder: Path) -> None:
        self.layout = RunLayout(folder)
        self.history = History(self.layout)
        self._options, self._tracker = options, tracker
        self._replay: Replay | None = None
        self._run_id = ""
        self._has_told = False

    def update(self) -> None:
        """Bring the tracker up to date."""
        try:
            self.history.refresh()
        except OSError as error:
            report_error(COMMAND, f"cannot read {self.layout.history}: {error.strerror}")
            return
        if not self.history.rows:
            return
        if self._replay is None or self._run_id != self.history.run_id:
            self.close()
            self._run_id = self.history.run_id
            self._replay = Replay(self._tracker.open(self._options.target, self._described()))
        added = self._replay.update(self.history.rows)
        if added or not self._has_told:
            last = self.history.rows[-1].iteration
            write_out(f"{self._name()}: {fmt.count(added)} rows added, up to iteration {last}\n")
            self._has_told = True

    def has_finished(self) -> bool:
        """Return True if the run's status says that nothing is left to train."""
        try:
            return read_status(self.layout.status).state == "finished"
        except (StatusError, OSError):
            return False

    def close(self) -> None:
        """Finish the export that is open."""
        if self._replay is not None:
            self._replay.close()
            self._replay = None

    def _described(self) -> TrackedRun:
        return TrackedRun(
            name=self._name(),
            project=self._options.project,
            settings=settings_of(self.layout),
        )

    def _name(self) -> str:
        folder = self.layout.root.absolute().name
        return "".join(
            letter if letter.isalnum() or letter in "-_." else "-"
            for letter in fmt.clean(self._run_id or folder, 80)
        )
