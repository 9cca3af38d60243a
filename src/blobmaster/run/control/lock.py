"""The lock that allows one trainer per run directory, and a record of its holder."""

import logging
import time
from pathlib import Path

import filelock
import msgspec

from blobmaster.run.control.process import ProcessIdentity, this_process
from blobmaster.run.errors import RunDirectoryError, RunHeldError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.read import read_regular

log = logging.getLogger(__name__)


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that holds the lock, to be named to a second trainer."""

    pid: int
    host: str
    started_at: float
    command: str


class RunLock:
    """An flock(2) lock, held from `acquire` to `release` or to the end of the process.

    The kernel releases it when the process ends, however that happens. Over NFS it works between
    machines. Over sshfs and some other network filesystems it works within one machine only, so a
    second trainer on another machine goes unnoticed there.
    """

    def __init__(self, layout: RunLayout) -> None:
        self._lock = filelock.FileLock(layout.lock, thread_local=False)
        self._holder = layout.lock_holder

    def acquire(self, command: str) -> None:
        """Take the lock without waiting and record this process as its holder.

        Raises:
            RunHeldError: another process holds it.
            RunDirectoryError: the directory cannot be written.
        """
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise RunHeldError(_refusal(self._holder)) from None
        except OSError as error:
            where = self._holder.parent
            raise RunDirectoryError(f"cannot lock {where}: {error.strerror}") from None
        try:
            atomic.replace(self._holder, _describe(this_process(), command), atomic.Sync.NOTHING)
        except OSError as error:
            self._lock.release()
            raise RunDirectoryError(f"cannot write {self._holder}: {error.strerror}") from None

    def release(self) -> None:
        """Delete the holder's record and free the lock.

        Raises:
            OSError: the record cannot be deleted.
        """
        atomic.discard(self._holder)
        self._lock.release()


def _describe(process: ProcessIdentity, command: str) -> bytes:
    return msgspec.json.encode(
        LockHolder(
            pid=process.pid, host=process.host, started_at=process.started_at, command=command
        )
    )


def _refusal(path: Path) -> str:
    try:
        holder = msgspec.json.decode(read_regular(path, 1 << 16), type=LockHolder)
    except (StatusError, msgspec.MsgspecError):
        return f"another trainer holds {path.parent}: wait for it or use another directory"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.started_at))
    return (
        f"{path.parent} is held by process {holder.pid} on {holder.host}, started {since}: "
        "pause that run first, or use another --checkpoint-dir"
    )
