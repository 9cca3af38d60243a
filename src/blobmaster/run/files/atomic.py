# pathlib would bypass the `os` that tests replace.
# ruff: noqa: PTH102, PTH105, PTH106, PTH108, PTH211
"""Atomic and durable file operations: all writes, renames and deletions of a run's files.

A file is replaced atomically: write `.name.tmp` in the same folder, fsync it, rename it over the
old file, fsync the folder. A crash leaves at most a `.name.tmp`, see
`remove_temporaries`.

The module calls the operating system only through its global `os`. Tests replace that with one that
stops the process at a chosen step, fills the disk, or forgets what was not synced.
"""

import enum
import errno
import io
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
FILE_MODE = 0o666
"""Less the umask: in a group's folder (umask 002) every member may resume the run."""
BUFFER_BYTES = 1 << 20
# Some network and FUSE filesystems cannot sync a folder; a power loss may undo a rename there.
_CANNOT_SYNC_FOLDER = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})
# And some have no hard links.
_CANNOT_LINK = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
CANNOT_RENAME = frozenset({errno.EXDEV, errno.EBUSY})
"""Errors of a rename to another filesystem, and of a folder that is a mount point."""


def temporary_path(path: Path) -> Path:
    """Return the path under which `path` is written until it is complete."""
    return path.with_name(f".{path.name}.tmp")


def private_path(path: Path) -> Path:
    """Return a new path beside `path` for this process alone, on whatever machine it runs."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


class Sync(enum.Enum):
    """State of a replaced file after a power loss; without one, readers see it old or new."""

    NOTHING = enum.auto()
    """Old, new or damaged: for files that are rewritten every few seconds."""
    FILE = enum.auto()
    """Old or new: the bytes are synced, the rename is not."""
    ALL = enum.auto()
    """New: bytes and rename are synced."""


def replace(path: Path, data: bytes, sync: Sync = Sync.ALL) -> None:
    """Replace the file at `path` with `data` atomically.

    Raises:
        OSError: the disk did not accept it; `path` is unchanged.
    """
    write_file(path, lambda file: _write_all(file, data), sync)


def write_file(
    path: Path,
    write: Callable[[BinaryIO], None],
    sync: Sync = Sync.ALL,
    *,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Replace the file at `path` atomically with what `write(file)` writes.

    `file` is write-only and cannot seek. `check` gets the path of the whole file before it is
    renamed, and raises if the file is not to be used.

    Raises:
        OSError: the disk did not accept it, or what `write` or `check` raises; `path` is unchanged.
    """
    partial = temporary_path(path)
    try:
        descriptor = _create(partial)
        try:
            with io.BufferedWriter(_Descriptor(descriptor), BUFFER_BYTES) as file:
                write(file)
            if sync is not Sync.NOTHING:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if check is not None:
            check(partial)
        os.replace(partial, path)
    except BaseException:
        discard(partial)
        raise
    if sync is Sync.ALL:
        sync_folder(path.parent)


def append(path: Path, line: bytes) -> None:
    """Append `line` to `path` and sync it.

    Raises:
        OSError: the disk did not accept it; the file is truncated to its former length.
    """
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE
    )
    try:
        before = os.fstat(descriptor).st_size
        try:
            _write_descriptor(descriptor, memoryview(line))
            os.fsync(descriptor)
            if before == 0:
                sync_folder(path.parent)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename within one filesystem, replacing `target`; a power loss may undo it."""
    os.replace(source, target)


def rename_if_free(source: Path, target: Path) -> bool:
    """Rename unless `target` exists; returns False, and changes nothing, if it does.

    Without hard links on the filesystem, a file created at that very moment is replaced.
    """
    # rename(2) always replaces its target; link(2) fails if it exists, in one atomic step. So the
    # file gets its second name by link and loses the first.
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
    """Move a file, or rename a folder, and sync both parents, so that a power loss keeps it.

    A file may go to another filesystem: it is copied, and deleted once its copy is verified. A
    crash in between leaves it at both places.

    Raises:
        OSError: it cannot be moved, or a folder cannot be renamed (see `CANNOT_RENAME`).
    """
    try:
        if source.is_symlink():  # renamed, a relative link would point elsewhere
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)
    except OSError as error:
        if error.errno not in CANNOT_RENAME or (source.is_dir() and not source.is_symlink()):
            raise
        copy(source, target)
        discard(source)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def copy(source: Path, target: Path) -> None:
    """Give a file a synced and verified copy, on any filesystem; of a link, a link to its file.

    Within one filesystem the copy is a second name of the file and takes no space.

    Raises:
        OSError: the disk did not accept it, or returns other bytes; `target` is unchanged.
    """
    if source.is_symlink():
        partial = temporary_path(target)
        discard(partial)
        os.symlink(source.resolve(), partial)
        os.replace(partial, target)
    elif not _link(source, target):
        digest = xxhash.xxh3_128()
        write_file(
            target,
            lambda file: _copy_bytes(source, file, digest),
            check=lambda partial: _check_copy(source, partial, digest.digest()),
        )
    sync_folder(target.parent)


def is_copy(path: Path, other: Path) -> bool:
    """Return True if both are files that hold the same bytes.

    Raises:
        OSError: one of them cannot be read.
    """
    if not (path.is_file() and other.is_file()):
        return False
    if path.samefile(other):
        return True
    return path.stat().st_size == other.stat().st_size and _digest(path) == _digest(other)


def discard(path: Path) -> None:
    """Delete a file if it exists. Not synced: a power loss may bring the file back."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def discard_folder(path: Path) -> None:
    """Delete a folder if it exists and is empty; a mount point or a link to a folder stays."""
    try:
        os.rmdir(path)
    except OSError as error:
        left = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY, errno.ENOTDIR}
        if error.errno not in left:
            raise


def make_folder(path: Path, *, inside: Path | None = None) -> None:
    """Create `path` and its missing parents, and sync each parent.

    Args:
        path: the folder.
        inside: a folder that must exist: a run directory that was renamed or deleted while its
            trainer lives must not come back empty.

    Raises:
        OSError: a folder cannot be created, or `inside` is gone.
    """
    if path.is_dir():
        return
    if path == inside:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if not path.parent.is_dir():
        make_folder(path.parent, inside=inside)
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    sync_folder(path.parent)


def remove_temporaries(folder: Path, is_ours: Callable[[str], bool]) -> list[Path]:
    """Delete the unfinished `.name.tmp` files of a crashed process whose `name` is ours.

    Only the holder of the run's lock may call it: no other process is writing then.

    Returns:
        The deleted paths.

    Raises:
        OSError: a file cannot be deleted.
    """
    if not folder.is_dir():
        return []
    strays = [path for path in folder.glob(".*.tmp") if is_ours(path.name[1:-4])]
    for stray in strays:
        discard(stray)
    return strays


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, where the filesystem can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDER:
            raise
    finally:
        os.close(descriptor)


def _link(source: Path, target: Path) -> bool:
    """Give a file a second name; returns False where that is impossible."""
    partial = temporary_path(target)
    discard(partial)
    try:
        os.link(source, partial, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_LINK | {errno.EXDEV}:
            raise
        return False
    os.replace(partial, target)
    # rename(2) does nothing if both names are the same file already: the name is left.
    discard(partial)
    return True


def _copy_bytes(source: Path, file: BinaryIO, digest: xxhash.xxh3_128) -> None:
    with source.open("rb", buffering=0) as original:
        while chunk := original.read(BUFFER_BYTES):
            digest.update(chunk)
            file.write(chunk)


def _check_copy(source: Path, partial: Path, wanted: bytes) -> None:
    """Compare a synced copy with its original's digest, and give it the original's times."""
    descriptor = os.open(partial, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Without this the bytes would come from the page cache, which proves nothing of the disk.
        if hasattr(os, "posix_fadvise"):  # not on macOS
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    if _digest(partial) != wanted:
        raise OSError(errno.EIO, f"the copy of {source.name} differs from it: check the disk")
    found = source.stat()
    os.utime(partial, ns=(found.st_atime_ns, found.st_mtime_ns))


def _digest(path: Path) -> bytes:
    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(BUFFER_BYTES):
            digest.update(chunk)
    return digest.digest()


def _create(path: Path) -> int:
    """Create and open a new file for writing, replacing a leftover one."""
    # O_EXCL: never follow a symbolic link or open a fifo that somebody put there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, FILE_MODE)
    except FileExistsError:
        os.unlink(path)
        return os.open(path, flags, FILE_MODE)


def _write_all(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _write_descriptor(descriptor: int, data: memoryview) -> None:
    while data:  # write(2) may take only a part, near a full disk or a quota
        data = data[os.write(descriptor, data) :]


class _Descriptor(io.RawIOBase):
    """A raw stream over a descriptor that writes through this module's `os`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return os.write(self._descriptor, data)
