"""One trainer a run directory: the lock, and who holds it."""

import logging
import time
from pathlib import Path

import filelock
import msgspec

from blobmaster.run.control.process import ProcessIdentity, this_process
from blobmaster.run.errors import RunDirectoryError, RunHeldError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import read_regular

log = logging.getLogger(__name__)


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock, for the one who is refused."""

    pid: int
    host: str
    started_at: float
    command: str


class RunLock:
    """Held from `acquire` to `release`, or to the end of the process, however it ends.

    The lock is flock(2): the kernel frees it when the process is gone. Over NFS it holds between
    machines; over sshfs and some other network filesystems only on this machine, so there a second
    trainer on another machine is not noticed.
    """

    def __init__(self, layout: RunLayout) -> None:
        self._lock = filelock.FileLock(layout.lock, thread_local=False)
        self._holder = layout.lock_holder

    def acquire(self, command: str) -> None:
        """Raises: RunHeldError, RunDirectoryError; one line each."""
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
        """Raises: OSError."""
        atomic.discard(self._holder)
        self._lock.release()


def _describe(process: ProcessIdentity, command: str) -> bytes:
    return msgspec.json.encode(
        Holder(pid=process.pid, host=process.host, started_at=process.started_at, command=command)
    )


def _refusal(path: Path) -> str:
    try:
        holder = msgspec.json.decode(read_regular(path, 1 << 16), type=Holder)
    except (StatusError, msgspec.MsgspecError):
        return f"another trainer holds {path.parent}: wait for it or use another directory"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.started_at))
    return (
        f"{path.parent} is held by process {holder.pid} on {holder.host}, started {since}: "
        "pause that run first, or use another --checkpoint-dir"
    )
