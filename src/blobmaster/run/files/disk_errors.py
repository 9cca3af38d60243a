"""Names the cause of a failed read or write in a few words that say what to do."""

import errno
import os
from pathlib import Path

_ADVICE = {
    errno.EDQUOT: "the disk quota is used up: free some space or raise the quota",
    errno.EROFS: "the filesystem is read-only: mount it writable",
    errno.EACCES: "permission denied: check the owner and mode of the file and its folder",
    errno.EPERM: "not permitted: the file or folder may be immutable (lsattr) or another user's",
    errno.EXDEV: "it would have to move to another filesystem",
    errno.EIO: "input/output error: check the disk",
    errno.ENOENT: "no such file or folder: check that the disk is mounted",
    errno.EFBIG: "the file would be larger than allowed: raise the limit (ulimit -f)",
}


_AT_FAULT = (errno.EACCES, errno.EPERM, errno.EIO)
"""Errors of a read for which the path is not to blame."""


def explain(error: OSError, folder: Path, *, instead: str | None = None) -> str:
    """Return the cause of a failed write below `folder`, and what to do.

    Args:
        error: was raised by the write.
        folder: lies on the disk.
        instead: what else may be done, where the user chose the place.
    """
    advice = _advice(error, folder)
    if advice is None:
        cause = f"{error.strerror or error}"
        return cause if instead is None else f"{cause}: {instead}"
    return advice if instead is None else f"{advice}, or {instead}"


def explain_read(error: OSError) -> str:
    """Return the cause of a failed read of a file that the user named, and what to do."""
    if error.errno in _AT_FAULT:
        return _ADVICE[error.errno]
    return f"{error.strerror or error}: check the path"


def _advice(error: OSError, folder: Path) -> str | None:
    if error.errno == errno.ENOSPC:
        if _has_no_inodes(folder):
            return "the disk has no inodes left: delete some files"
        return "the disk is full: free some space"
    return _ADVICE.get(error.errno or 0)


def _has_no_inodes(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # Some filesystems do not count inodes and report none at all.
    return found.f_files > 0 and found.f_favail == 0
