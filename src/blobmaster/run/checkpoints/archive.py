"""Moves an earlier run, or checkpoints after a resumed one, to `archive/`; deletes nothing."""

import logging
from pathlib import Path

from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore
from blobmaster.run.errors import CheckpointError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import STATUS_NAME, RunLayout
from blobmaster.run.files.read import read_regular
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
    remains = entries or layout.history.exists() or layout.earlier_status.exists()
    return "unknown-run" if remains else None


def archive_run(layout: RunLayout) -> Path | None:
    """Move the directory's run to `archive/<run id>` and return that folder; foreign files stay.

    The move takes several renames. A note file names the target until all are done, so that
    `finish_archiving` can complete the move after a crash.

    Raises:
        OSError: a file cannot be moved.
    """
    run_id = run_id_in(layout)
    if run_id is None:
        return None
    target = _free(layout, _plain(run_id))
    atomic.replace(layout.archive_note, target.name.encode())
    finish_archiving(layout)
    return target


def finish_archiving(layout: RunLayout) -> None:
    """Complete the move that the note file names, if there is one.

    Raises:
        OSError: a file cannot be moved.
    """
    try:
        name = read_regular(layout.archive_note, 4096).decode(errors="replace")
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
    atomic.discard(layout.archive_note)
    atomic.sync_folder(layout.root)
    log.info("the earlier run was moved to %s", target.root)


def archive_later_checkpoints(layout: RunLayout, meta: CheckpointMeta) -> Path | None:
    """Move checkpoints after `meta` to the archive, so that the next resume does not pick them.

    Returns:
        The folder that they were moved to; None if there were none.

    Raises:
        OSError: a file cannot be moved.
    """
    later = [e for e in CheckpointStore(layout).entries() if e.name.iteration > meta.iteration]
    if not later:
        return None
    run_id = _plain(meta.identity.run_id)
    target = RunLayout(_free(layout, f"{run_id}-after-iter{meta.iteration + 1:03d}"))
    # The newest last: after a crash halfway, a plain resume still picks the newest one, as before.
    for entry in later:
        folder = target.permanent if entry.permanent else target.cache
        atomic.make_folder(folder)
        atomic.move(entry.path, folder / entry.path.name)
    log.info("checkpoints after iteration %d were moved to %s", meta.iteration + 1, target.root)
    return target.root


def _free(layout: RunLayout, name: str) -> Path:
    """Return an unused path in the archive."""
    target = layout.archive / name
    number = 2
    while target.exists():
        target = layout.archive / f"{name}-{number}"
        number += 1
    return target


def _plain(name: str) -> str:
    """Make a run id from a file safe as a name: it cannot point outside of the archive."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return kept.lstrip(".-")[:120] or "unknown-run"
