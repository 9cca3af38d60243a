"""Names a failed write's cause in a few words that say what to do."""

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


def explain(error: OSError, folder: Path) -> str:
    """Return the cause of a failed write below `folder`, and what to do."""
    if error.errno == errno.ENOSPC:
        if _has_no_inodes(folder):
            return "the disk has no inodes left: delete some files"
        return "the disk is full: free some space"
    return _ADVICE.get(error.errno or 0, f"{error.strerror or error}")


def _has_no_inodes(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    # Some filesystems do not count inodes and report none at all.
    return found.f_files > 0 and found.f_favail == 0
