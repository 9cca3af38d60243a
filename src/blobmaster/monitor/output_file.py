"""Output files named by the user: never overwrites a file of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blobmaster.run.errors import StatusError, StatusMissingError
from blobmaster.run.files.read import read_regular

_LIMIT_BYTES: Final = 16 << 20


def output_problem(path: Path, begins: str) -> str | None:
    """Return in a line why a file must not be written; None if it may be.

    Only a file that starts with `begins` may be replaced, so that a mistyped name cannot overwrite
    a run's log.
    """
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; make it, or name another file"
    try:
        content = read_regular(path, _LIMIT_BYTES)
    except StatusMissingError:
        return None
    except StatusError as error:
        return str(error)
    if content and not content.startswith(begins.encode()):
        return f"{path} holds something else; name another file, or remove it"
    return None


def write_problem(path: Path, error: OSError) -> str:
    """Return the message for a failed write."""
    return f"cannot write {path}: {error.strerror}"
