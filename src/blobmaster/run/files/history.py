"""Owns history.jsonl: one row for every committed iteration, read as it grows."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from blobmaster.run.files import atomic
from blobmaster.run.status.schema import clean_metrics

CHUNK_BYTES = 4 << 20
"""What one `read_rows` takes unless told otherwise: about 10,000 rows."""


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A committed iteration. In the file the metrics stand beside the other fields."""

    iteration: int
    """1-based."""
    run_id: str
    timestamp: str
    elapsed_hours: float
    metrics: dict[str, Any] = {}


_FIELDS = frozenset(HistoryRow.__struct_fields__) - {"metrics"}


def encode_row(row: HistoryRow) -> bytes:
    fields = msgspec.structs.asdict(row)
    metrics = clean_metrics(fields.pop("metrics"))
    return (
        msgspec.json.encode(fields | {k: v for k, v in metrics.items() if k not in _FIELDS}) + b"\n"
    )


def decode_row(line: bytes) -> HistoryRow | None:
    """The row of a line; None for a torn or foreign one."""
    try:
        raw = msgspec.json.decode(line)
        if not isinstance(raw, dict):
            return None
        fields = {name: raw.pop(name) for name in _FIELDS & raw.keys()}
        return msgspec.convert({**fields, "metrics": raw}, HistoryRow)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


@dataclass(frozen=True)
class HistoryCursor:
    """How far a reader has come, and in which file."""

    inode: int = 0
    offset: int = 0


START = HistoryCursor()


@dataclass(frozen=True)
class HistoryPart:
    rows: list[HistoryRow]
    """The rows after the cursor, in the file's order."""
    cursor: HistoryCursor
    """Where to read on."""
    restarted: bool
    """The file is another one or was cut since the cursor: forget the rows read before."""
    more: bool
    """The part is full: read on from the cursor without waiting."""


def read_rows(path: Path, cursor: HistoryCursor = START, limit: int = CHUNK_BYTES) -> HistoryPart:
    """Read what was added since `cursor`, `limit` bytes at most; the cost is not the whole file's.

    A line without its newline is left for the next time; torn and foreign lines are passed over.
    A missing file has no rows.

    Raises: OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return HistoryPart([], START, restarted=cursor != START, more=False)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return HistoryPart([], START, restarted=cursor != START, more=False)
        same = cursor.inode == found.st_ino and cursor.offset <= found.st_size
        offset = cursor.offset if same else 0
        data = os.pread(descriptor, limit, offset)
    finally:
        os.close(descriptor)
    full = len(data) == limit
    end = data.rfind(b"\n") + 1
    if full and not end:  # one endless line is no history: pass over it
        end = len(data)
    rows = [row for line in data[:end].splitlines() if (row := decode_row(line)) is not None]
    return HistoryPart(
        rows,
        HistoryCursor(found.st_ino, offset + end),
        restarted=not same and cursor != START,
        more=full,
    )


def reconcile(path: Path, run_id: str, iteration: int, rows: Iterable[HistoryRow]) -> None:
    """Make the file tell of this run up to `iteration` (1-based), each iteration once.

    `rows` are those that the resumed checkpoint carries: they fill in what a crash between the
    commit and the file lost. What lies after `iteration` is dropped, and so is a torn last line.

    Raises: OSError.
    """
    before = path.read_bytes() if path.is_file() else b""
    kept = {row.iteration: encode_row(row) for row in rows}
    for line in before.splitlines(keepends=True):
        row = decode_row(line)
        if row is not None and row.run_id == run_id and line.endswith(b"\n"):
            kept[row.iteration] = line
    after = b"".join(kept[number] for number in sorted(kept) if number <= iteration)
    if after != before:
        atomic.replace(path, after)


def append_rows(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Add committed rows and sync them.

    Raises: OSError; none is added then.
    """
    atomic.append(path, b"".join(encode_row(row) for row in rows))
