"""Gathers the content of a report; an unreadable file leaves out its part only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from blobmaster.matrix.file import Matrix, MatrixFileError, read
from blobmaster.monitor.metrics import label
from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.curves import EXTREMES, Curve, History
from blobmaster.monitor.read.run_reader import list_checkpoints
from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import CheckpointFile, View
from blobmaster.run.checkpoints.store import CheckpointEntry, CheckpointMeta
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.layout import CheckpointName, RunLayout

MOST_CHECKPOINTS: Final = 200
MOST_SETTINGS: Final = 200
MOST_PLAYERS: Final = 24
_VALUE_LIMIT: Final = 120


@dataclass(frozen=True, kw_only=True)
class SavedCheckpoint:
    """A checkpoint file with its metadata."""

    file: CheckpointFile
    saved_at: float | None
    """Epoch seconds; None if the metadata cannot be read."""
    fault: str | None
    """Why the metadata cannot be read."""


@dataclass(frozen=True, kw_only=True)
class SettingsTable:
    """A table of settings as texts."""

    title: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Content:
    """The content of a report."""

    view: View
    made_at: float
    """Epoch seconds."""
    curves: Mapping[str, Curve]
    checkpoints: tuple[SavedCheckpoint, ...]
    """Newest first."""
    left_out: int
    """Number of older checkpoints beyond `MOST_CHECKPOINTS`."""
    settings: tuple[SettingsTable, ...]
    """The run's identity, then the settings of the newest readable checkpoint."""
    matrix: Matrix | None
    """The run's players against each other; None if that was not measured."""
    notes: tuple[str, ...]
    """Files that could not be read, with reasons."""


def gather(options: MonitorOptions, seen: View, now: float) -> Content:
    """Read the files beside the status, which was `seen` at `now` (epoch seconds)."""
    notes = [] if seen.problem is None or seen.state == "unreadable" else [seen.problem]
    curves, problem = _curves(options.layout.history)
    notes.extend(problem)
    matrix, problem = _matrix(options.layout.matrix, seen.run_id)
    notes.extend(problem)
    files = list_checkpoints(options.layout)
    saved: list[SavedCheckpoint] = []
    metas: list[CheckpointMeta] = []
    for file in files[:MOST_CHECKPOINTS]:
        found = _meta(options.layout, file)
        if isinstance(found, str):
            saved.append(SavedCheckpoint(file=file, saved_at=None, fault=fmt.clean(found)))
        else:
            saved.append(SavedCheckpoint(file=file, saved_at=found.saved_at, fault=None))
            metas = metas or [found]
    return Content(
        view=replace(seen, checkpoints=files, curves=curves),
        made_at=now,
        curves=curves,
        checkpoints=tuple(saved),
        left_out=len(files) - len(saved),
        settings=(_about(metas[0]), *settings_tables(metas[0].config)) if metas else (),
        matrix=matrix,
        notes=tuple(fmt.clean(note) for note in notes),
    )


def _curves(path: Path) -> tuple[Mapping[str, Curve], list[str]]:
    history = History(path, EXTREMES)
    try:
        history.refresh()
        while history.is_behind:
            history.refresh()
    except OSError as error:
        return history.curves, [f"cannot read {path}: {error.strerror}"]
    return history.curves, []


def _matrix(path: Path, run_id: str) -> tuple[Matrix | None, list[str]]:
    """Return the matrix, if it is of this run and has room, and a note if there is another file."""
    try:
        found = read(path)
    except MatrixFileError as error:
        return None, [str(error)]
    if found is None:
        return None, []
    if run_id and found.run_id != run_id:
        return None, [f"{path} is of another run and is left out"]
    if len(found.players) > MOST_PLAYERS:
        return None, [
            f"{path} has {len(found.players)} players, and a report has room for {MOST_PLAYERS}: "
            "make it again with fewer (evaluate --matrix --most)"
        ]
    return found, []


def _meta(layout: RunLayout, file: CheckpointFile) -> CheckpointMeta | str:
    """Return a checkpoint's metadata, or why it cannot be read."""
    path = (layout.permanent if file.permanent else layout.cache) / file.name
    name = CheckpointName.parse(file.name)
    if name is None:
        return "does not bear a checkpoint's name"
    try:
        return CheckpointEntry(name, path, file.permanent).meta()
    except CheckpointError as error:
        return str(error).removeprefix(f"{path}: ")


def _about(meta: CheckpointMeta) -> SettingsTable:
    identity = meta.identity
    facts = (
        ("project", identity.project),
        ("begun", identity.start_date),
        ("parameters", fmt.count(identity.parameters)),
        ("architecture", str(identity.architecture)),
        ("seed", str(identity.seed)),
    )
    return SettingsTable(title="identity", settings=facts)


def settings_tables(config: Mapping[str, Any]) -> tuple[SettingsTable, ...]:
    """Return a loop's settings by table; those without a table come first."""
    alone = {name: value for name, value in config.items() if not isinstance(value, dict)}
    tables = {"": alone} if alone else {}
    tables |= {name: value for name, value in config.items() if isinstance(value, dict) and value}
    room, found = MOST_SETTINGS, []
    for title, table in tables.items():
        texts = [(fmt.clean(label(k), 60), _text(v)) for k, v in [*table.items()][:room]]
        room -= len(texts)
        if texts:
            shown = fmt.clean(label(title), 60)
            found.append(SettingsTable(title=shown, settings=tuple(texts)))
    return tuple(found)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return fmt.UNKNOWN
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return fmt.clean(text, _VALUE_LIMIT)
