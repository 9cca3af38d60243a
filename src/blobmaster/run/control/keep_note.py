"""The note of a CHECKPOINT request, so that it outlives the trainer that accepted it."""

import logging

from blobmaster.run.control.requests import RequestKind, Requests
from blobmaster.run.errors import FileUnusableError
from blobmaster.run.files import atomic
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.read import read_regular

_LIMIT_BYTES = 4096

log = logging.getLogger(__name__)


def write(layout: RunLayout, run_id: str) -> None:
    """Note that the next checkpoint is to be kept; on a full disk, only this trainer knows.

    Args:
        layout: the run directory.
        run_id: the run; empty if none has begun yet.
    """
    try:
        atomic.replace(layout.keep_note, run_id.encode())
    except OSError as error:
        reason = explain(error, layout.root)
        log.warning("a resume will not know that a checkpoint is to be kept: %s", reason)


def recall(layout: RunLayout, run_id: str, requests: Requests) -> bool:
    """Submit the request again that an earlier session of the run has accepted.

    To be called when the run begins. A note of another run is removed.

    Args:
        layout: the run directory.
        run_id: the run that begins.
        requests: those of this session; one that it accepted before is noted for the run.

    Returns:
        True if there is such a request of an earlier session.
    """
    if requests.keep:
        write(layout, run_id)
        return False
    if not _is_for(layout, run_id):
        remove(layout)
        return False
    log.info("the next checkpoint is kept, as a request before the last stop asked")
    requests.submit(RequestKind.CHECKPOINT)
    return True


def _is_for(layout: RunLayout, run_id: str) -> bool:
    try:
        noted = read_regular(layout.keep_note, _LIMIT_BYTES)
    except FileUnusableError:
        return False
    return noted in (run_id.encode(), b"")


def remove(layout: RunLayout) -> None:
    """Remove the note. Where that fails, one more checkpoint is kept, which does no harm."""
    try:
        atomic.discard(layout.keep_note)
    except OSError as error:
        log.warning("cannot delete %s: %s", layout.keep_note, explain(error, layout.root))
