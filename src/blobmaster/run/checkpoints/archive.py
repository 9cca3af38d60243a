"""Moves an earlier run, or checkpoints after a resumed one, to `archive/`; deletes nothing."""

import logging
from pathlib import Path

from blobmaster.run.checkpoints import moving, notes
from blobmaster.run.checkpoints.moving import Move
from blobmaster.run.checkpoints.notes import LaterNote, plain_name
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import CheckpointError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import STATUS_NAME, RunLayout
from blobmaster.run.status.schema import read_status

log = logging.getLogger(__name__)


def run_id_in(layout: RunLayout) -> str | None:
    """Return the id of the run in the directory, None if there is none."""
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
    moving_away = notes.read_run_note(layout) is not None
    remains = entries or layout.history.exists() or layout.earlier_status.exists()
    return "unknown-run" if moving_away or remains else None


def archive_run(layout: RunLayout) -> Path | None:
    """Move the directory's run to `archive/<run id>` and return that folder; foreign files stay.

    The move takes several renames. A note file names the target until all are done, so that
    `finish_moves` can complete it after a crash, or after a try that the disk refused halfway.

    Raises:
        RunDirectoryError: the run cannot be moved; nothing has moved.
        OSError: a file cannot be moved.
    """
    if (finished := _finish_run(layout)) is not None:
        return finished
    run_id = run_id_in(layout)
    if run_id is None:
        return None
    target = _free(layout, plain_name(run_id))
    moving.stage(layout, _moves_of_run(layout), target)
    notes.write_run_note(layout, target.name)
    return _finish_run(layout)


def forget_unstarted_run(layout: RunLayout) -> None:
    """Delete the status of a run that was killed before it committed anything, if that is all.

    The next run in the directory then takes the place of that one and moves nothing to the archive.

    Raises:
        OSError: the file cannot be deleted.
    """
    if not CheckpointStore(layout).entries() and not layout.history.exists():
        atomic.discard(layout.earlier_status)


def archive_later_checkpoints(layout: RunLayout, run_id: str, iteration: int) -> Path | None:
    """Move later checkpoints to the archive, so that the next resume does not pick them.

    A copy of the history goes with them: it holds their rows, which the history is about to lose.

    Args:
        layout: the run directory.
        run_id: its run, whose name the folder gets.
        iteration: the last iteration that stays, 0-based.

    Returns:
        The folder that they were moved to; None if there were none.

    Raises:
        RunDirectoryError: they cannot be moved; nothing has moved.
        OSError: a file cannot be moved.
    """
    finished = _finish_later(layout)
    moves = _moves_of_later(layout, iteration)
    if not moves:
        return finished
    target = _free(layout, f"{plain_name(run_id)}-after-iter{iteration + 1:03d}")
    moving.stage(layout, moves, target)
    notes.write_later_note(layout, LaterNote(target.name, iteration))
    return _finish_later(layout)


def finish_moves(layout: RunLayout) -> None:
    """Complete the moves that a crashed session has noted, and delete copies of any other.

    Raises:
        OSError: a file cannot be moved or deleted.
    """
    _finish_run(layout)
    _finish_later(layout)
    moving.discard_staged(layout)


def _finish_run(layout: RunLayout) -> Path | None:
    folder = notes.read_run_note(layout)
    if folder is None:
        return None
    target = layout.archive / folder
    moving.finish(layout, _moves_of_run(layout), target)
    atomic.discard(layout.archive_note)
    atomic.sync_folder(layout.root)
    log.info("the earlier run was moved to %s", target)
    return target


def _finish_later(layout: RunLayout) -> Path | None:
    note = notes.read_later_note(layout)
    if note is None:
        return None
    target = layout.archive / note.folder
    moving.finish(layout, _moves_of_later(layout, note.iteration), target)
    if layout.history.is_file():
        # While there is a note, the history has lost nothing yet. The copy is no hard link, as rows
        # are appended to the history in place.
        atomic.replace(target / layout.history.name, layout.history.read_bytes())
    atomic.discard(layout.later_note)
    atomic.sync_folder(layout.root)
    log.info("checkpoints after iteration %d were moved to %s", note.iteration + 1, target)
    return target


def _moves_of_run(layout: RunLayout) -> list[Move]:
    return [
        Move(layout.permanent, layout.permanent.name),
        Move(layout.cache, layout.cache.name),
        Move(layout.inflight, layout.inflight.name),
        Move(layout.history, layout.history.name),
        Move(layout.log, layout.log.name),
        Move(layout.matrix, layout.matrix.name),
        Move(layout.earlier_status, STATUS_NAME),
    ]


def _moves_of_later(layout: RunLayout, iteration: int) -> list[Move]:
    entries = CheckpointStore(layout).all_entries()
    return [
        Move(entry.path, f"{entry.path.parent.name}/{entry.path.name}")
        for entry in entries
        if entry.name.iteration > iteration
    ]


def _free(layout: RunLayout, name: str) -> Path:
    """Return an unused path in the archive."""
    target = layout.archive / name
    number = 2
    while target.exists():
        target = layout.archive / f"{name}-{number}"
        number += 1
    return target
