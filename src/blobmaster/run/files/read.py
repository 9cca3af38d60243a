"""Reads a run's small files in bounded time and memory, whatever lies at their path."""

import os
import stat
from pathlib import Path

from blobmaster.run.errors import FileMissingError, FileUnusableError


def read_regular(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises:
        FileMissingError: there is no file.
        FileUnusableError: it is no regular file, larger than `limit`, or cannot be read; one line.
    """
    try:
        # O_NONBLOCK: opening a fifo that nobody writes to would block forever otherwise.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FileMissingError(f"there is no file {path}") from None
    except OSError as error:
        raise FileUnusableError(f"cannot read {path}: {error.strerror}") from None
    try:
        # Checked on the open descriptor: the path may name another file a moment later.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileUnusableError(f"{path} is not a regular file; check the path")
        data = _read_up_to(descriptor, limit + 1)
    except OSError as error:
        raise FileUnusableError(f"cannot read {path}: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise FileUnusableError(f"{path} is larger than {limit} bytes; check the path")
    return data


def _read_up_to(descriptor: int, limit: int) -> bytes:
    # The size is not asked for first: the file may grow, and /proc files report a size of 0.
    chunks: list[bytes] = []
    while limit > 0 and (chunk := os.read(descriptor, min(limit, 1 << 16))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)
