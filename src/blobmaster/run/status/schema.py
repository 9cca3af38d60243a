"""Owns status.json: its fields, and how it is encoded and decoded.

The core fields below and the loop's own metrics share the top level of the file; a metric with a
core field's name is dropped. Iterations are 1-based here, as on every screen.

Other programs write the file too, with fewer fields. So reading refuses only what is no JSON
object: a field that is missing, null or of the wrong type is unknown, and the others are kept.
"""

import codecs
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from blobmaster.run.errors import (
    FileMissingError,
    FileUnusableError,
    StatusError,
    StatusMissingError,
)
from blobmaster.run.files.plain_json import encode_json, plain_json
from blobmaster.run.files.read import read_regular

SCHEMA = 1
LIMIT_BYTES = 1 << 20

SAVE_FAILED = "save-failed"
"""Kind of the alert for a write that waits for the disk."""
DISK_LOW = "disk-low"
"""Kind of the alert for low disk space."""
HOST_SILENT = "host-silent"
"""Kind of the alert for hosts of the cluster that have stopped answering."""
STATES = ("starting", "running", "pausing", "paused", "waiting", "finished", "failed")
AT_REST = frozenset({"paused", "finished"})
"""States without a step in progress."""

ENDED = AT_REST | {"failed"}
"""States in which the process has exited on purpose, so its absence is no alarm."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The step in progress: self-play, learning, rating, saving or compiling."""

    name: str
    done: int
    total: int
    """0 if unknown."""
    unit: str
    rate: float | None
    """Units per second over the step so far; None until known."""
    seconds_left: float | None
    started_at: float


class LastCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint."""

    name: str
    path: str
    """Relative to the run directory."""
    iteration: int
    bytes: int
    saved_at: float
    permanent: bool


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """Space on the disk of the run that will be full first."""

    free_bytes: int
    total_bytes: int
    low: bool
    hours_left: float | None
    """Time until the run fills the disk; None while it is unknown, or if its files will fit."""
    folder: str | None = None
    """The run's folder on that disk; None for the disk of the run directory itself."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A problem that the trainer reports."""

    kind: str
    level: str
    """`warning` or `error`."""
    message: str
    since: float


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Load of the trainer's machine, or of the container that limits the trainer."""

    cpu_percent: float
    """Load of all its cores together, 0..100."""
    cores: int
    load1: float
    memory_used_bytes: int
    memory_total_bytes: int
    rss_bytes: int
    """Resident memory of the trainer's process."""
    workers: int | None
    gpu: dict[str, Any] | None


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host of the cluster that works for the run."""

    name: str = ""
    address: str = ""
    actors: int = 0
    """Its processes that work for the run."""
    units_per_minute: float | None = None
    """`Cluster.unit` a minute, in the step that it works for, or worked for last."""
    answered_at: float | None = None
    """Time of its last answer; None before the first."""
    silent: bool = False
    """True if it has work and has not answered for long."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts that work for the run; the sums include those that are not listed."""

    hosts: list[Host] = []
    """Some of them, silent ones first."""
    host_count: int = 0
    actors: int = 0
    units_per_minute: float | None = None
    unit: str = ""
    """Such as `rounds`."""
    lost_blocks: int = 0
    """Blocks of this session that failed, or were lost with their worker."""
    repeated_blocks: int = 0
    """Blocks of this session that were given to one more worker."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The control request being carried out."""

    text: str
    at: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The content of status.json; times are epoch seconds unless named otherwise."""

    schema: int = SCHEMA
    run_id: str = ""
    seq: int = 0
    """Number of the write, ascending; 0 if the writer does not count."""
    state: str = ""
    """One of `STATES`; empty if the writer does not say."""
    pid: int = 0
    process_started_at: float = 0.0
    process_start_ticks: int = 0
    """With pid, boot_id and host it identifies the process, see `process.process_state`."""
    pid_namespace: int = 0
    """Inode of the pid namespace in which `pid` counts; 0 if unknown."""
    boot_id: str = ""
    host: str = ""
    heartbeat_at: float = 0.0
    """Time of the write; 0 if the writer does not write every 2 s."""
    timestamp: float | None = None
    """Time of the write, the same as `heartbeat_at` where both are known."""
    timestamp_iso: str = ""
    """The timestamp in ISO 8601, in UTC."""
    session_started_at: float = 0.0
    iteration: int | None = None
    """The current iteration, 1-based; 0 before the first."""
    total_iterations: int | None = None
    progress: float | None = None
    """Completed share of the run, 0..1."""
    elapsed_hours: float | None = None
    eta_hours: float | None = None
    eta_days: float | None = None
    step: Step | None = None
    progress_count: int = 0
    """Changes with every unit of work; distinguishes a busy trainer from a hung one."""
    progress_at: float = 0.0
    slowest_gap_s: float = 0.0
    """Longest time between two changes of `progress_count` in this session."""
    last_checkpoint: LastCheckpoint | None = None
    disk: Disk | None = None
    alerts: list[Alert] = []
    machine: Machine | None = None
    cluster: Cluster | None = None
    """None if the run works on one machine without a cluster."""
    request: Request | None = None
    resume_command: str | None = None
    error: str | None = None
    metrics: dict[str, Any] = {}
    """The loop's own metrics; flattened to the file's top level."""

    @property
    def has_heartbeat(self) -> bool:
        """True if its writer renews it every 2 s, so that `seq` tells whether the writer lives."""
        return bool(self.state) and self.heartbeat_at > 0


CORE_FIELDS = frozenset(Status.__struct_fields__) - {"metrics"}
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Status)}


def encode(status: Status) -> bytes:
    """Encode a status as one JSON object without NaN, with a newline at the end."""
    core = msgspec.structs.asdict(status)
    del core["metrics"]
    return encode_json(core | clean_metrics(status.metrics)) + b"\n"


def decode(data: bytes) -> Status:
    """Decode a status file, as far as its fields can be used; unknown ones become metrics.

    Raises:
        StatusError: it is no JSON object, or of another schema.
    """
    raw = _parse(data)
    if not isinstance(raw, dict):
        raise StatusError("status file was not written by a training run; check the path")
    core = {name: raw.pop(name) for name in CORE_FIELDS & raw.keys()}
    schema = core.get("schema")
    if type(schema) is int and schema != SCHEMA:
        raise StatusError(
            f"status file has schema {str(schema)[:20]}, this version reads {SCHEMA}: "
            "use the version that wrote it"
        )
    if isinstance(core.get("timestamp"), str):
        core |= _from_iso(core["timestamp"])
    usable = {name: value for name, value in core.items() if _is_usable(name, value)}
    return msgspec.convert({**usable, "metrics": raw}, Status)


def _parse(data: bytes) -> Any:
    """Parse JSON, also as other programs write it: after a byte order mark, or with a bare NaN.

    Raises:
        StatusError: it is not JSON even so.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        import json  # a page of the monitor should not pay 6 ms for what is rarely needed

        try:
            # Python's own parser takes what Python's own writer makes of NaN and infinities.
            return plain_json({"raw": json.loads(data)})["raw"]
        except (ValueError, RecursionError):
            raise StatusError(
                f"status file is not valid JSON ({error}); it may be half copied"
            ) from None


def _from_iso(text: str) -> dict[str, Any]:
    """Return the time fields of a file whose `timestamp` is ISO 8601, as version 0.1 wrote it."""
    try:
        seconds = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return {}
    return {"timestamp": seconds, "timestamp_iso": text}


def _is_usable(name: str, value: Any) -> bool:
    """Return True if a core field has a value of its type."""
    if _has_huge_integer(value) or (name == "state" and value not in STATES):
        return False
    try:
        msgspec.convert(value, _TYPES[name])
    except msgspec.ValidationError:
        return False
    return True


def _has_huge_integer(value: Any) -> bool:
    """Return True if a value contains an integer beyond 64 bits."""
    # JSON integers have any size. Converting one beyond 1e308 to float raises OverflowError, so
    # they are dropped here once instead of in every place that computes with a field.
    if isinstance(value, dict):
        return any(map(_has_huge_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_huge_integer, value))
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 63


def read_status(path: Path, limit: int = LIMIT_BYTES) -> Status:
    """Read and check a status file in bounded time and memory, whatever lies at `path`.

    Raises:
        StatusMissingError: there is no file.
        StatusError: the file cannot be used; one line.
    """
    try:
        return decode(read_regular(path, limit))
    except FileMissingError:
        raise StatusMissingError(f"no status file at {path}: has a run begun there?") from None
    except FileUnusableError as error:
        raise StatusError(str(error)) from None


def clean_metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """Convert metrics to plain JSON (see `plain_json`) and drop those with a core field's name."""
    return {k: value for k, value in plain_json(metrics).items() if k not in CORE_FIELDS}
