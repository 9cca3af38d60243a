"""The record of the process that holds a run directory, and what a second trainer is told."""

import time
from pathlib import Path

import msgspec

from blobmaster.run.control.process import (
    ProcessIdentity,
    ProcessState,
    boot_id,
    host_name,
    process_state,
)
from blobmaster.run.errors import FileUnusableError
from blobmaster.run.files.read import read_regular

LIMIT_BYTES = 1 << 16


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The process that holds the lock, to be named to a second trainer."""

    pid: int
    host: str
    started_at: float
    command: str
    start_ticks: int = 0
    boot_id: str = ""
    pid_namespace: int = 0
    """Inode of the namespace in which `pid` counts; 0 if unknown."""


def holder_of(process: ProcessIdentity, command: str) -> LockHolder:
    """Return the record of a process with the user's command line."""
    return LockHolder(
        pid=process.pid,
        host=process.host,
        started_at=process.started_at,
        command=command,
        start_ticks=process.start_ticks,
        boot_id=process.boot_id,
        pid_namespace=process.pid_namespace,
    )


def parse_holder(record: bytes) -> LockHolder:
    """Parse a record.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return msgspec.json.decode(record, type=LockHolder)


def may_live(holder: LockHolder) -> bool:
    """Return False if the holder has ended for certain; another machine's may live."""
    if holder.host != host_name():
        return True
    if holder.boot_id and holder.boot_id != boot_id():
        return False
    state = process_state(
        holder.pid,
        started_at=holder.started_at,
        start_ticks=holder.start_ticks,
        namespace=holder.pid_namespace,
    )
    return state is not ProcessState.GONE


def refusal(path: Path) -> str:
    """Return the line for a second trainer, by the record at `path`."""
    try:
        holder = parse_holder(read_regular(path, LIMIT_BYTES))
    except (FileUnusableError, msgspec.MsgspecError):
        return f"another trainer holds {path.parent}: wait for it or use another directory"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.started_at))
    return (
        f"{path.parent} is held by process {holder.pid} on {holder.host}, started {since}: "
        "pause that run first, or use another --checkpoint-dir"
    )


def unknown_holder(path: Path) -> str:
    """Return the line for a second trainer where the record at `path` cannot be read."""
    return (
        f"cannot read who holds {path.parent}: if no trainer is running there, delete {path}, "
        "and start again"
    )
