"""The lock that allows one trainer per run directory, and a record of its holder."""

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from blobmaster.run.control.holder import (
    LIMIT_BYTES,
    holder_of,
    may_live,
    parse_holder,
    refusal,
    unknown_holder,
)
from blobmaster.run.control.process import this_process
from blobmaster.run.errors import (
    FileMissingError,
    FileUnusableError,
    RunDirectoryError,
    RunHeldError,
)
from blobmaster.run.files import atomic
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.plain_json import encode_json
from blobmaster.run.files.read import read_regular

# Filesystems without flock(2): none at all, none left, or none on a folder (NFS locks only files
# that are open for writing).
_NO_LOCKS = frozenset(
    {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EBADF}
)
_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


@dataclass(frozen=True)
class Loss:
    """The held directory or its lock file is no longer at its path."""

    message: str
    directory: bool
    """True if the directory itself is gone: then nothing may be written at its path."""


class RunLock:
    """flock(2) locks on the directory and on `run.lock`, held from `acquire` to `release`.

    The kernel releases them when the process ends, however that happens. The lock on the directory
    itself still holds when somebody deletes `run.lock`. Over NFS the one on the file works between
    machines. Over sshfs and some other network filesystems it works within one machine only, so a
    second trainer on another machine goes unnoticed there. Where there are no locks at all, the
    holder's record decides, and `warning` says so.
    """

    def __init__(self, layout: RunLayout) -> None:
        self._layout = layout
        self._root = self._file = -1
        self._held: list[tuple[Path, tuple[int, int]]] = []
        self._record: bytes | None = None
        """The content of the holder's record, where it alone keeps a second trainer away."""
        self.warning: str | None = None
        """A line for the user if the filesystem has no locks."""

    def acquire(self, command: str) -> None:
        """Take the lock without waiting and record this process as its holder.

        Raises:
            RunHeldError: another process holds it.
            RunDirectoryError: the directory cannot be written.
        """
        try:
            self._acquire(encode_json(holder_of(this_process(), command)))
        except OSError as error:
            self.close()
            where = self._layout.root
            cause = explain(error, where, instead="name another folder")
            raise RunDirectoryError(f"cannot lock {where}: {cause}") from None
        except RunHeldError:
            self.close()
            raise

    def loss(self) -> Loss | None:
        """Return what is no longer at its path; None while all is as it was acquired."""
        root = self._layout.root
        for path, identity in self._held:
            if _is_at(path, identity):
                continue
            if path == root:
                return Loss(
                    f"{root} was moved, deleted or replaced while this run was training in it: "
                    "put it back and resume; nothing was written in its place",
                    directory=True,
                )
            return _replaced(path)
        if self._record is not None and not _holds(self._layout.lock_holder, self._record):
            return _replaced(self._layout.lock_holder)
        return None

    @property
    def held_root(self) -> Path:
        """A path to the held directory, wherever it was moved to."""
        return Path(f"/proc/self/fd/{self._root}")

    def release(self) -> None:
        """Delete the holder's record and free the lock.

        Raises:
            OSError: the record cannot be deleted.
        """
        loss = self.loss()
        root = self.held_root if loss is not None and loss.directory else self._layout.root
        try:
            atomic.discard(RunLayout(root).lock_holder)
        finally:
            self.close()

    def close(self) -> None:
        """Free the lock and leave the holder's record, as the end of the process does."""
        for descriptor in (self._file, self._root):
            if descriptor >= 0:
                # Forked processes share the lock. Unlocked here, it does not wait for their end.
                _unlock(descriptor)
                os.close(descriptor)
        self._root = self._file = -1
        self._held = []
        self._record = None

    def _acquire(self, record: bytes) -> None:
        layout = self._layout
        self._root = os.open(layout.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # The directory first: a trainer that is refused here has not created another `run.lock`.
        self._lock(self._root)
        self._file = _open_lock_file(layout.lock)
        is_locked = self._lock(self._file)
        self._held = [
            (layout.root, _identity(os.fstat(self._root))),
            (layout.lock, _identity(os.fstat(self._file))),
        ]
        if is_locked:
            atomic.replace(layout.lock_holder, record, atomic.Sync.NOTHING)
            return
        self.warning = (
            f"the filesystem of {layout.root} has no file locks: never start a second trainer "
            f"there, as only {layout.lock_holder.name} would tell it of this one"
        )
        self._claim_by_record(record)

    def _lock(self, descriptor: int) -> bool:
        """Lock an open file or folder; returns False if its filesystem has no locks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise RunHeldError(refusal(self._layout.lock_holder)) from None
            if error.errno in _NO_LOCKS:
                return False
            raise
        return True

    def _claim_by_record(self, record: bytes) -> None:
        path = self._layout.lock_holder
        try:
            found = read_regular(path, LIMIT_BYTES)
            if may_live(parse_holder(found)):
                raise RunHeldError(f"{refusal(path)}; if it has ended, delete {path}")
            _remove_dead(path, found)
        except FileMissingError:
            pass
        except (FileUnusableError, msgspec.MsgspecError):
            raise RunHeldError(unknown_holder(path)) from None
        # Of two trainers that start at once, only one gets the name.
        own = atomic.private_path(path)
        atomic.replace(own, record, atomic.Sync.NOTHING)
        try:
            has_name = atomic.rename_if_free(own, path)
        except FileNotFoundError:  # the one that has it has tidied up
            has_name = False
        if not has_name:
            atomic.discard(own)
            raise RunHeldError(refusal(path))
        self._record = record


def _remove_dead(path: Path, record: bytes) -> None:
    """Remove a dead holder's record.

    Raises:
        RunHeldError: another trainer has put its own there meanwhile.
    """
    # Not by name: since the record was read, another trainer may have found it dead as well, have
    # removed it and be training. So it is set aside first, and compared.
    aside = atomic.private_path(path)
    try:
        atomic.rename(path, aside)
    except FileNotFoundError:
        return  # of those that found it dead, one gets the name
    if read_regular(aside, LIMIT_BYTES) != record:
        atomic.rename_if_free(aside, path)
        atomic.discard(aside)
        raise RunHeldError(refusal(path))
    atomic.discard(aside)


def _open_lock_file(path: Path) -> int:
    # O_NOFOLLOW and O_NONBLOCK: neither a link nor a fifo that lies there may be opened.
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, os.O_RDWR | flags, atomic.FILE_MODE)
    except PermissionError:
        # Another user's file, made with a stricter umask: it can be locked all the same.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _unlock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:
        return  # a filesystem without locks has none to free; closing frees any other


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _is_at(path: Path, identity: tuple[int, int]) -> bool:
    """Return False if `path` is missing or another file.

    A file system that does not answer proves neither.
    """
    try:
        # The directory's own path may be a link, whose target counts.
        return _identity(path.stat()) == identity
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _holds(path: Path, record: bytes) -> bool:
    """Return False if `path` is missing or has another content.

    The content, not the inode: another trainer's record may have got the inode of a deleted one.
    """
    try:
        return read_regular(path, LIMIT_BYTES) == record
    except FileMissingError:
        return False
    except FileUnusableError:
        return True


def _replaced(path: Path) -> Loss:
    return Loss(
        f"{path} was deleted or replaced while this run was training, so another trainer "
        "could start beside it: leave that file alone, and resume",
        directory=False,
    )
