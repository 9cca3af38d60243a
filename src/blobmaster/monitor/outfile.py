"""A file that a command writes where a person said: never over something else that lies there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from blobmaster.run.errors import StatusError, StatusMissingError
from blobmaster.run.files.read import read_regular

_LIMIT_BYTES: Final = 16 << 20


def why_not(path: Path, begins: str) -> str | None:
    """Why the file must not be written, in a line; a name mistyped must not cost a run its log.

    `begins` is how a file of the same kind begins, which alone may be replaced.
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


def unwritable(path: Path, error: OSError) -> str:
    """Why the file could not be written, in a line."""
    return f"cannot write {path}: {error.strerror}"
