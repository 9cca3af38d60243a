# pathlib would go around the `os` that tests replace.
# ruff: noqa: PTH102, PTH105, PTH106, PTH108
"""Every write, rename and removal that the run's files depend on, in steps that a test can break.

A file is replaced whole or not at all: `.name.tmp` in the same folder, write, fsync, rename, fsync
of the folder. What a process that died left behind is a `.name.tmp`, which `sweep` removes.

This module calls the operating system through its own global `os` alone: tests put a stand-in there
that stops the process at a chosen step, fills the disk, or forgets what was not synced.
"""

import enum
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
FILE_MODE = 0o644
BUFFER_BYTES = 1 << 20
# Some network and FUSE filesystems cannot sync a folder: a rename there lasts as they see fit.
_CANNOT_SYNC_FOLDER = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})
# And some cannot give a file a second name.
_CANNOT_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


def temporary(path: Path) -> Path:
    """The file that `path` is written as until it is whole."""
    return path.with_name(f".{path.name}.tmp")


class Sync(enum.Enum):
    """What a power loss may undo. Without one, a reader sees the old file or the new one always."""

    NOTHING = enum.auto()
    """The file may be old, new or damaged: for what is rewritten every few seconds."""
    FILE = enum.auto()
    """The file is the old or the new one."""
    ALL = enum.auto()
    """The file is the new one."""


def replace(path: Path, data: bytes, sync: Sync = Sync.ALL) -> None:
    """Put `data` at `path`, whole or not at all.

    Raises: OSError; `path` is then as it was.
    """
    write_file(path, lambda file: _write_all(file, data), sync)


def write_file(path: Path, write: Callable[[BinaryIO], None], sync: Sync = Sync.ALL) -> None:
    """Like `replace`, with the bytes coming from `write(file)`; the file cannot be read or sought.

    Raises: OSError, and whatever `write` raises; `path` is then as it was.
    """
    partial = temporary(path)
    try:
        descriptor = _create(partial)
        try:
            with io.BufferedWriter(_Descriptor(descriptor), BUFFER_BYTES) as file:
                write(file)
            if sync is not Sync.NOTHING:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(partial, path)
    except BaseException:
        discard(partial)
        raise
    if sync is Sync.ALL:
        sync_folder(path.parent)


def append(path: Path, line: bytes) -> None:
    """Add `line` at the end of `path` and sync it; a failed write is cut off again.

    Raises: OSError; the file then holds what it held.
    """
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE
    )
    try:
        before = os.fstat(descriptor).st_size
        try:
            _write_descriptor(descriptor, memoryview(line))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
    if before == 0:
        sync_folder(path.parent)


def rename(source: Path, target: Path) -> None:
    """Rename within one filesystem, over what is at `target`; a power loss may undo it."""
    os.replace(source, target)


def rename_to_free(source: Path, target: Path) -> bool:
    """Rename, but over nothing: False if there is something at `target`; both stay then.

    Where the filesystem has no hard links, what comes there at that very moment is replaced.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        if os.path.lexists(target):
            return False
        os.replace(source, target)
        return True
    discard(source)
    return True


def move(source: Path, target: Path) -> None:
    """Rename within one filesystem, and make it last."""
    rename(source, target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def discard(path: Path) -> None:
    """Remove a file if it is there. It is not synced: what comes back after a power loss is old."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def discard_folder(path: Path) -> None:
    """Remove a folder if it is empty; one that holds something stays."""
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
            raise


def make_folder(path: Path) -> None:
    """Make `path` and the folders above it that are missing, and make them last."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_folder(path.parent)
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    sync_folder(path.parent)


def sweep(folder: Path, is_ours: Callable[[str], bool]) -> list[Path]:
    """Remove the unfinished `.name.tmp` of a process that died, for names that are ours.

    Only the holder of the run's lock may call it: nobody else is writing then. Returns what was
    removed.

    Raises: OSError.
    """
    if not folder.is_dir():
        return []
    strays = [path for path in folder.glob(".*.tmp") if is_ours(path.name[1:-4])]
    for stray in strays:
        discard(stray)
    return strays


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDER:
            raise
    finally:
        os.close(descriptor)


def _create(path: Path) -> int:
    """Open a new file. O_EXCL: never through a link or into a fifo that someone put there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, FILE_MODE)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, FILE_MODE)


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _write_descriptor(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


class _Descriptor(io.RawIOBase):
    """A descriptor as a raw stream whose writes go through this module's `os`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return os.write(self._descriptor, data)
