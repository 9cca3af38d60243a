"""Owns status.json: what any run tells about itself, and how it is written and read.

The core fields below and the loop's own metrics stand side by side at the top level of the file; a
metric cannot take a core field's name. Iterations are 1-based here, as on every screen.
"""

import os
import stat
from pathlib import Path
from typing import Any, SupportsFloat

import msgspec

from blobmaster.run.errors import StatusError, StatusMissingError

SCHEMA = 1
LIMIT_BYTES = 1 << 20

DISK_LOW = "disk-low"
"""The kind of alert that a disk with little room raises."""
STATES = ("starting", "running", "pausing", "paused", "waiting", "finished", "failed")
AT_REST = frozenset({"paused", "finished"})
"""The states in which nothing is worked on any more."""

ENDED = AT_REST | {"failed"}
"""States that a process leaves behind on purpose: its absence then means nothing bad."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The step in progress: self-play, learning, rating, saving, compiling."""

    name: str
    done: int
    total: int
    """0 where it is not known."""
    unit: str
    rate: float | None
    """Units a second over the step so far; None until it is known."""
    seconds_left: float | None
    started_at: float


class LastCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    path: str
    """Relative to the run directory."""
    iteration: int
    bytes: int
    saved_at: float
    permanent: bool


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    free_bytes: int
    total_bytes: int
    low: bool
    hours_left: float | None
    """Until the disk is full at the present rate; None while the rate is unknown."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    level: str
    """`warning` or `error`."""
    message: str
    since: float


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    cpu_percent: float
    """Of the whole machine, 0..100."""
    cores: int
    load1: float
    memory_used_bytes: int
    memory_total_bytes: int
    rss_bytes: int
    """Of the trainer's process."""
    workers: int | None
    gpu: dict[str, Any] | None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The control request that is being obeyed."""

    text: str
    at: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that status.json says; times are epoch seconds unless named otherwise."""

    schema: int = SCHEMA
    run_id: str
    seq: int
    """Goes up with every write."""
    state: str
    pid: int
    process_started_at: float
    process_start_ticks: int = 0
    """See `process.life_of`: with pid, boot_id and host it names one process for good."""
    boot_id: str
    host: str
    heartbeat_at: float
    timestamp: str
    """The write, ISO 8601 in UTC."""
    session_started_at: float
    iteration: int = 0
    """The running one, 1-based; 0 before the first."""
    total_iterations: int = 0
    progress: float = 0.0
    """Completed share of the run, 0..1."""
    elapsed_hours: float = 0.0
    eta_hours: float | None = None
    eta_days: float | None = None
    step: Step | None = None
    progress_count: int = 0
    """Moves with every unit of work: tells a busy trainer from a hung one."""
    progress_at: float = 0.0
    slowest_gap_s: float = 0.0
    """The longest time between two moves in this session."""
    last_checkpoint: LastCheckpoint | None = None
    disk: Disk | None = None
    alerts: list[Alert] = []
    machine: Machine | None = None
    request: Request | None = None
    resume_command: str | None = None
    error: str | None = None
    metrics: dict[str, Any] = {}
    """The loop's own; flattened to the file's top level."""


CORE_FIELDS = frozenset(Status.__struct_fields__) - {"metrics"}
_REQUIRED = frozenset({"schema", "run_id", "seq", "state"})


def encode(status: Status) -> bytes:
    """The file's bytes: one JSON object, no NaN, a newline at the end."""
    core = msgspec.structs.asdict(status)
    del core["metrics"]
    return msgspec.json.encode(core | clean_metrics(status.metrics)) + b"\n"


def decode(data: bytes) -> Status:
    """Read the file's bytes; top-level fields that this version does not know become metrics.

    Raises: StatusError.
    """
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise StatusError(
            f"status file is not valid JSON ({error}); it may be half copied"
        ) from None
    if not isinstance(raw, dict) or not raw.keys() >= _REQUIRED:
        raise StatusError("status file was not written by a training run; check the path")
    if raw["schema"] != SCHEMA:
        raise StatusError(
            f"status file has schema {str(raw['schema'])[:20]}, this version reads {SCHEMA}: "
            "use the version that wrote it"
        )
    core = {name: raw.pop(name) for name in CORE_FIELDS & raw.keys()}
    if endless := [name for name, value in core.items() if _is_endless(value)]:
        raise StatusError(f"status file has a number too large to be true: {', '.join(endless)}")
    try:
        status = msgspec.convert({**core, "metrics": raw}, Status)
    except msgspec.ValidationError as error:
        raise StatusError(f"status file has a field of the wrong type: {error}") from None
    if status.state not in STATES:
        raise StatusError(f"status file has an unknown state {status.state[:20]!r}")
    return status


def _is_endless(value: Any) -> bool:
    """Whether there is an integer in it that 64 bits do not hold: no arithmetic is safe with it."""
    if isinstance(value, dict):
        return any(map(_is_endless, value.values()))
    if isinstance(value, list):
        return any(map(_is_endless, value))
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 63


def read_status(path: Path, limit: int = LIMIT_BYTES) -> Status:
    """Read and check a status file in bounded time and memory, whatever lies at `path`.

    Raises: StatusMissingError, StatusError; one line each.
    """
    return decode(read_regular(path, limit))


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; a fifo or device never blocks.

    Raises: StatusMissingError, StatusError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StatusMissingError(f"no status file at {path}: has a run begun there?") from None
    except OSError as error:
        raise StatusError(f"cannot read {path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StatusError(f"{path} is not a regular file; check the path")
        data = _read_up_to(descriptor, limit + 1)
    except OSError as error:
        raise StatusError(f"cannot read {path}: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise StatusError(f"{path} is larger than {limit} bytes: not a status file")
    return data


def clean_metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics as plain JSON: numbers that are not finite, and what is no JSON, become null."""
    plain = msgspec.json.decode(msgspec.json.encode(metrics, enc_hook=_number))
    return {name: value for name, value in plain.items() if name not in CORE_FIELDS}


def _read_up_to(descriptor: int, limit: int) -> bytes:
    chunks: list[bytes] = []
    while limit > 0 and (chunk := os.read(descriptor, min(limit, 1 << 16))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def _number(value: Any) -> float | None:
    """What JSON does not know: an array's scalar is a number, all else is null."""
    try:
        return float(value) if isinstance(value, SupportsFloat) else None
    except (TypeError, ValueError, RuntimeError):  # an array of several numbers
        return None
