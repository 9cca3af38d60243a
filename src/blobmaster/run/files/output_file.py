"""Output files named by the user: never overwrites a file of another kind."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from blobmaster.run.files.disk_errors import explain, explain_read

HEAD_BYTES: Final = 256
"""Bytes of a file that tell its kind."""


def output_problem(path: Path, is_ours: str | Callable[[bytes], bool]) -> str | None:
    """Return in a line why a file must not be written; None if it may be.

    A file may be replaced if it is empty, or of the command's own kind: a mistyped name cannot
    overwrite a checkpoint, a run's log or a device.

    Args:
        path: the file to write.
        is_ours: how such a file begins, or a test of its first `HEAD_BYTES` bytes.
    """
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; make it, or name another file"
    try:
        head = _head(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot read {path}: {explain_read(error)}"
    if head is None:
        return f"{path} is not a regular file; check the path"
    ours = head.startswith(is_ours.encode()) if isinstance(is_ours, str) else is_ours(head)
    if head and not ours:
        return f"{path} holds something else and is not replaced: name another file"
    return None


def write_problem(path: Path, error: OSError) -> str:
    """Return the message for a failed write, with what to do."""
    return f"cannot write {path}: {explain(error, path.parent, instead='name another file')}"


def _head(path: Path) -> bytes | None:
    """Return how a file begins, None if it is no regular file."""
    # O_NONBLOCK: opening a fifo that nobody writes to would block forever otherwise.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
