"""The seal at a checkpoint's end: a description readable without torch, and a digest of all bytes.

A checkpoint is a zip archive, as made by `torch.save` or `numpy.savez`. The archive's comment at
the end of the file holds a JSON description and one line of fixed length:

    blobrun1 <length of the JSON> <xxh3-64 of the JSON> <xxh3-128 of all bytes up to here>

So any zip reader can still read the file, `unzip -z` shows the description, and every changed byte
is detected. (`torch.load` does not check the archive's own checksums and returns flipped bits.)
"""

import contextlib
import io
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import xxhash

from blobmaster.run.errors import CheckpointError

_END = struct.Struct("<4s4H2LH")
"""End of central directory record (zip APPNOTE 4.3.16); the comment's size is its last field."""
_SIGNATURE = b"PK\x05\x06"
_MARK = b"\nblobrun1 "
_LINE = re.compile(rb"\nblobrun1 ([0-9a-f]{8}) ([0-9a-f]{16}) ([0-9a-f]{32})\n")
_LINE_BYTES = len(_MARK) + 8 + 1 + 16 + 1 + 32 + 1
_DIGEST_BYTES = 32 + 1
"""The digest and the newline after it: the only bytes not covered by the digest."""
DESCRIPTION_LIMIT = 0xFFFF - _LINE_BYTES
"""Largest description in bytes: a zip comment's length has 16 bits."""

NOT_SEALED = "is damaged at its end or is no checkpoint of a run here"


def write_sealed(file: BinaryIO, write: Callable[[BinaryIO], None], description: bytes) -> int:
    """Write a zip archive to `file` with `write`, seal it, and return the number of bytes written.

    Raises:
        ValueError: `write` wrote no zip archive, or the description is too long.
        Exception: what `write` raises.
    """
    if len(description) > DESCRIPTION_LIMIT:
        raise ValueError(f"a description takes {DESCRIPTION_LIMIT} bytes, not {len(description)}")
    sealing = _SealingStream(file)
    write(cast(BinaryIO, sealing))
    return sealing.finish(description)


class _SealingStream(io.RawIOBase):
    """Passes an archive through to a file, but holds back its last record.

    The record contains the comment's length, so it is changed before it is written. The archive is
    streamed: a checkpoint need not fit in memory twice.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = b""
        self._digest = xxhash.xxh3_128()
        self._bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        chunk = memoryview(data).cast("B")
        if len(chunk) >= _END.size:
            self._emit(self._held)
            self._emit(chunk[: -_END.size])
            self._held = bytes(chunk[-_END.size :])
        else:
            together = self._held + chunk
            cut = max(len(together) - _END.size, 0)
            self._emit(together[:cut])
            self._held = together[cut:]
        return len(chunk)

    def finish(self, description: bytes) -> int:
        if self._held[:4] != _SIGNATURE or self._held[-2:] != b"\0\0":
            raise ValueError("the checkpoint's writer must make a zip archive, as torch.save does")
        end = self._held[:-2] + (len(description) + _LINE_BYTES).to_bytes(2, "little")
        line = b"%s%08x %016x " % (_MARK, len(description), xxhash.xxh3_64_intdigest(description))
        self._emit(end + description + line)
        digest = self._digest.hexdigest().encode()
        self._file.write(digest + b"\n")
        return self._bytes + _DIGEST_BYTES

    def _emit(self, data: Any) -> None:
        self._digest.update(data)
        self._file.write(data)
        self._bytes += len(data)


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[io.FileIO]:
    """Open a regular file for reading.

    Raises:
        CheckpointError: another kind of file is there.
        OSError: it cannot be opened.
    """
    # O_NONBLOCK: opening a fifo that nobody writes to would block forever otherwise.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CheckpointError("is not a regular file: name a checkpoint file")
        yield file


def read_description(file: io.FileIO) -> bytes:
    """Read only the description, from the last 64 KiB; the other bytes are not verified.

    Raises:
        CheckpointError: the file is not sealed.
        OSError: it cannot be read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - DESCRIPTION_LIMIT - _LINE_BYTES, 0))
    return _description(file.readall())


def verify(data: bytes) -> bytes:
    """Verify every byte of a sealed file and return its description.

    Raises:
        CheckpointError: the file is damaged or not sealed.
    """
    description = _description(data)
    comment = len(description) + _LINE_BYTES
    end = data[len(data) - comment - _END.size :][: _END.size]
    if len(end) < _END.size or end[:4] != _SIGNATURE or _END.unpack(end)[-1] != comment:
        raise CheckpointError(NOT_SEALED)
    covered = memoryview(data)[:-_DIGEST_BYTES]
    if xxhash.xxh3_128_hexdigest(covered).encode() != data[-_DIGEST_BYTES:-1]:
        raise CheckpointError("is damaged: its bytes are not those that were written")
    return description


def _description(tail: bytes) -> bytes:
    line = _LINE.fullmatch(tail[-_LINE_BYTES:])
    if line is None:
        raise CheckpointError(NOT_SEALED)
    length = int(line[1], 16)
    start = len(tail) - _LINE_BYTES - length
    description = tail[max(start, 0) : len(tail) - _LINE_BYTES]
    if start < 0 or b"%016x" % xxhash.xxh3_64_intdigest(description) != line[2]:
        raise CheckpointError(NOT_SEALED)
    return description
