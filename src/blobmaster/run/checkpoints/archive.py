"""Moves an earlier run, or what lies after a resumed checkpoint, aside; nothing is ever deleted."""

import logging
from pathlib import Path

from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import STATUS_NAME, RunLayout
from blobmaster.run.status.schema import read_regular, read_status

log = logging.getLogger(__name__)


def held_run(layout: RunLayout) -> str | None:
    """The id of the run that the directory holds; None if it holds none."""
    entries = CheckpointStore(layout).entries()
    for entry in reversed(entries):
        try:
            return entry.meta().identity.run_id
        except CheckpointError:
            continue
    for status in (layout.earlier_status, layout.status):
        try:
            if run_id := read_status(status).run_id:
                return run_id
        except StatusError:
            continue
    remains = entries or layout.history.exists() or layout.earlier_status.exists()
    return "unknown-run" if remains else None


def move_run_aside(layout: RunLayout) -> Path | None:
    """Move the run that the directory holds to `archive/<run id>`; returns the new place.

    What is not the run's stays. The move is several renames: a note says where to until all are
    done, and `finish_moving` goes on after a crash.

    Raises: OSError.
    """
    run_id = held_run(layout)
    if run_id is None:
        return None
    target = _free(layout, _plain(run_id))
    atomic.replace(layout.moving_aside, target.name.encode())
    finish_moving(layout)
    return target


def finish_moving(layout: RunLayout) -> None:
    """Go on with a move that the note tells of, if there is one.

    Raises: OSError.
    """
    try:
        name = read_regular(layout.moving_aside, 4096).decode(errors="replace")
    except StatusError:
        return
    target = RunLayout(layout.archive / _plain(name))
    atomic.make_folder(target.root)
    moves = [
        (layout.permanent, target.permanent),
        (layout.cache, target.cache),
        (layout.inflight, target.inflight),
        (layout.history, target.history),
        (layout.log, target.log),
        (layout.earlier_status, target.root / STATUS_NAME),
    ]
    for source, destination in moves:
        if source.exists() and not destination.exists():
            atomic.move(source, destination)
    atomic.discard(layout.moving_aside)
    atomic.sync_folder(layout.root)
    log.info("the earlier run was moved to %s", target.root)


def move_later_aside(layout: RunLayout, meta: CheckpointMeta) -> Path | None:
    """Move checkpoints after `meta` to the archive: a resume would take them for the newest.

    Raises: OSError.
    """
    later = [e for e in CheckpointStore(layout).entries() if e.name.iteration > meta.iteration]
    if not later:
        return None
    run_id = _plain(meta.identity.run_id)
    target = RunLayout(_free(layout, f"{run_id}-after-iter{meta.iteration + 1:03d}"))
    # The newest last: until all are moved a plain resume still finds the line it would have found.
    for entry in later:
        folder = target.permanent if entry.permanent else target.cache
        atomic.make_folder(folder)
        atomic.move(entry.path, folder / entry.path.name)
    log.info("checkpoints after iteration %d were moved to %s", meta.iteration + 1, target.root)
    return target.root


def _free(layout: RunLayout, name: str) -> Path:
    """A path in the archive that nothing has yet."""
    target = layout.archive / name
    number = 2
    while target.exists():
        target = layout.archive / f"{name}-{number}"
        number += 1
    return target


def _plain(name: str) -> str:
    """A name that stays inside the archive, whatever a file claimed the run's id to be."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return kept.lstrip(".-")[:120] or "unknown-run"
