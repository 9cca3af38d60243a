"""Notes of moves to the archive that have begun: the point from which a move is only completed.

Before its note is written, a move has changed nothing. After it, the next session completes the
move. So readers treat what a note names as already moved.
"""

import math
from dataclasses import dataclass

from blobmaster.run.errors import FileUnusableError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.read import read_regular

_LIMIT_BYTES = 4096


@dataclass(frozen=True)
class LaterNote:
    """Checkpoints after an iteration are being moved."""

    folder: str
    """Name of the folder in the archive."""
    iteration: int
    """0-based; this one stays."""


def write_run_note(layout: RunLayout, folder: str) -> None:
    """Note that the whole run is being moved to this folder of the archive.

    Raises:
        OSError: the disk did not accept it.
    """
    atomic.replace(layout.archive_note, folder.encode())


def write_later_note(layout: RunLayout, note: LaterNote) -> None:
    """Note that later checkpoints are being moved.

    Raises:
        OSError: the disk did not accept it.
    """
    atomic.replace(layout.later_note, f"{note.folder}\n{note.iteration}\n".encode())


def read_run_note(layout: RunLayout) -> str | None:
    """Return the name of the folder that the whole run is being moved to, None without a note."""
    try:
        return plain_name(read_regular(layout.archive_note, _LIMIT_BYTES).decode(errors="replace"))
    except FileUnusableError:
        return None


def read_later_note(layout: RunLayout) -> LaterNote | None:
    """Return the note of a move of later checkpoints, None if there is none."""
    try:
        text = read_regular(layout.later_note, _LIMIT_BYTES).decode(errors="replace")
    except FileUnusableError:
        return None
    folder, _, iteration = text.strip().partition("\n")
    if not iteration.lstrip("-").isdecimal():
        return None
    return LaterNote(plain_name(folder), int(iteration))


def last_iteration_staying(layout: RunLayout) -> float:
    """Return the last iteration (0-based) that no note moves away; infinity without a note."""
    if read_run_note(layout) is not None:
        return -math.inf
    note = read_later_note(layout)
    return math.inf if note is None else note.iteration


def plain_name(name: str) -> str:
    """Make a name from a file safe as a folder's: it cannot point outside of the archive."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return kept.lstrip(".-")[:120] or "unknown-run"
