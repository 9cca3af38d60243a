"""Owns history.jsonl: one row per committed iteration, read incrementally."""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from blobmaster.run.files import atomic
from blobmaster.run.files.plain_json import plain_json

CHUNK_BYTES = 4 << 20
"""Default size of one read: about 10,000 rows."""
BEFORE_BYTES = 256
"""Bytes before a reader's position that tell a rewritten file: the end of a row's metrics."""


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A committed iteration. In the file the metrics are flattened to the top level."""

    iteration: int
    """1-based."""
    run_id: str
    timestamp: str
    elapsed_hours: float
    metrics: dict[str, Any] = {}


_FIELDS = frozenset(HistoryRow.__struct_fields__) - {"metrics"}


def encode_row(row: HistoryRow) -> bytes:
    fields = msgspec.structs.asdict(row)
    metrics = plain_json(fields.pop("metrics"))
    return (
        msgspec.json.encode(fields | {k: v for k, v in metrics.items() if k not in _FIELDS}) + b"\n"
    )


def decode_row(line: bytes) -> HistoryRow | None:
    """Parse a line; returns None if it is torn or foreign."""
    try:
        raw = msgspec.json.decode(line)
        if not isinstance(raw, dict):
            return None
        fields = {name: raw.pop(name) for name in _FIELDS & raw.keys()}
        row = msgspec.convert({**fields, "metrics": raw}, HistoryRow)
        # JSON integers have any size, and a reader would fail to make a float of a huge one.
        return row if abs(row.iteration) < 1 << 63 else None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


@dataclass(frozen=True)
class HistoryCursor:
    """A reader's position: the file's inode and an offset in bytes."""

    inode: int = 0
    offset: int = 0
    before: bytes = b""
    """The last bytes before `offset`: a rewritten file may have got the inode of the old one."""


START = HistoryCursor()


@dataclass(frozen=True)
class HistoryChunk:
    rows: list[HistoryRow]
    """Rows after the cursor, in the order of the file."""
    cursor: HistoryCursor
    """Position for the next read."""
    restarted: bool
    """True if the file was replaced or truncated: discard the rows read before."""
    more: bool
    """True if the limit was reached: read again without waiting."""


def read_rows(path: Path, cursor: HistoryCursor = START, limit: int = CHUNK_BYTES) -> HistoryChunk:
    """Read the rows added since `cursor`, at most `limit` bytes of them.

    A last line without a newline waits for the next read; torn and foreign lines are skipped. A
    missing file has no rows.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return HistoryChunk([], START, restarted=cursor != START, more=False)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return HistoryChunk([], START, restarted=cursor != START, more=False)
        same = (
            cursor.inode == found.st_ino
            and cursor.offset <= found.st_size
            and _bytes_before(descriptor, cursor.offset, len(cursor.before)) == cursor.before
        )
        offset = cursor.offset if same else 0
        data = os.pread(descriptor, limit, offset)
        full = len(data) == limit
        end = data.rfind(b"\n") + 1
        if full and not end:  # a line longer than the limit is no history row: skip it
            end = len(data)
        before = _bytes_before(descriptor, offset + end, BEFORE_BYTES)
    finally:
        os.close(descriptor)
    rows = [row for line in data[:end].splitlines() if (row := decode_row(line)) is not None]
    return HistoryChunk(
        rows,
        HistoryCursor(found.st_ino, offset + end, before),
        restarted=not same and cursor != START,
        more=full,
    )


def _bytes_before(descriptor: int, offset: int, count: int) -> bytes:
    """Return up to `count` bytes that end at `offset`."""
    start = max(offset - count, 0)
    return os.pread(descriptor, offset - start, start)


def reconcile(
    path: Path,
    run_id: str,
    iteration: int,
    rows: Iterable[HistoryRow],
    beside: Iterable[HistoryRow] = (),
) -> None:
    """Rewrite the file to hold this run's rows up to `iteration` (1-based), each once.

    Later rows, other runs' rows and a torn last line are dropped.

    Args:
        path: the history file.
        run_id: the run to keep.
        iteration: the last iteration to keep, 1-based.
        rows: the rows in the resumed checkpoint. They restore what a crash between the commit and
            the append to the file has lost.
        beside: rows of this run that replace the file's, as a checkpoint elsewhere follows them.

    Raises:
        OSError: the file cannot be replaced; it is unchanged then.
    """
    before = path.read_bytes() if path.is_file() else b""
    kept = {row.iteration: encode_row(row) for row in rows}
    for line in before.splitlines(keepends=True):
        row = decode_row(line)
        if row is not None and row.run_id == run_id and line.endswith(b"\n"):
            kept[row.iteration] = line
    kept |= {row.iteration: encode_row(row) for row in beside}
    after = b"".join(kept[number] for number in sorted(kept) if number <= iteration)
    if after != before:
        atomic.replace(path, after)


def rows_of(path: Path, run_id: str) -> dict[int, HistoryRow]:
    """Return a run's rows by iteration (1-based); a missing file has none.

    Raises:
        OSError: the file cannot be read.
    """
    found: dict[int, HistoryRow] = {}
    chunk = read_rows(path)
    while True:
        found |= {row.iteration: row for row in chunk.rows if row.run_id == run_id}
        if not chunk.more:
            return found
        chunk = read_rows(path, chunk.cursor)


def append_rows(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Append committed rows and sync them to disk.

    Raises:
        OSError: the disk did not accept them; none is added then.
    """
    added = b"".join(encode_row(row) for row in rows)
    try:
        atomic.append(path, added)
    except PermissionError as error:
        # A colleague's file that only its owner may write: in a folder that the group may
        # write, it can be replaced.
        if error.errno != errno.EACCES or not path.is_file():
            raise
        atomic.replace(path, path.read_bytes() + added)
