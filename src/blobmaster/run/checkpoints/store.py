"""Owns the checkpoint files: their metadata, and how they are written, listed, read and pruned."""

import io
import logging
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from blobmaster.run.checkpoints import seal
from blobmaster.run.checkpoints.notes import last_iteration_staying
from blobmaster.run.checkpoints.retention import expired
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files import atomic
from blobmaster.run.files.disk_errors import explain_read
from blobmaster.run.files.history import HistoryRow, decode_row, encode_row
from blobmaster.run.files.layout import CheckpointName, RunLayout

SCHEMA = 1
_UNPACKED_LIMIT = 16 << 20

log = logging.getLogger(__name__)


class RunIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of a run that never change, shared by all its sessions."""

    run_id: str
    """Unique id; also the name of the run's folder in the archive."""
    project: str
    """Project part of the checkpoints' names: letters, digits and underscores."""
    architecture: int
    parameters: int
    """Number of the network's parameters."""
    start_date: str = msgspec.field(default_factory=lambda: time.strftime("%Y%m%d"))
    """The day the run started, `YYYYMMDD`."""
    seed: int

    def __post_init__(self) -> None:
        if self.checkpoint_name(0) != CheckpointName.parse(self.checkpoint_name(0).format()):
            raise ValueError(f"no checkpoint could be named after {self}")
        if not self.run_id or not set(self.run_id) <= _RUN_ID_LETTERS or self.run_id[0] in ".-":
            raise ValueError(f"a run id is a plain file name, not {self.run_id!r}")

    def checkpoint_name(self, iteration: int, elo: float | None = None) -> CheckpointName:
        return CheckpointName(
            start_date=self.start_date,
            project=self.project,
            architecture=self.architecture,
            millions=f"{self.parameters / 1e6:.1f}",
            iteration=iteration,
            elo=None if elo is None else max(round(elo), 0),
        )


_RUN_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class CheckpointMeta(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint's metadata, readable without loading it."""

    schema: int = SCHEMA
    identity: RunIdentity
    iteration: int
    """The last completed iteration, 0-based."""
    elo: float | None
    elapsed_seconds: float
    """Training time over all sessions, waiting excluded."""
    saved_at: float
    """Epoch seconds."""
    config: dict[str, Any]
    """The loop's settings."""
    extra: dict[str, Any]
    """Other data of the loop."""
    rows: list[HistoryRow] = []
    """History rows that the file may lack; they survive a crash before it has them."""
    packed_rows: bytes = b""
    """Earlier rows that would make the description too long: lines as in the file, by zlib."""


@dataclass(frozen=True)
class CheckpointEntry:
    """A checkpoint file in the run directory, not yet opened."""

    name: CheckpointName
    path: Path
    permanent: bool

    def meta(self) -> CheckpointMeta:
        """Read the metadata from the end of the file; the other bytes are not verified.

        Raises:
            CheckpointError: the file is damaged at its end, foreign or unreadable.
        """
        try:
            with seal.open_regular(self.path) as file:
                return _decode_meta(seal.read_description(file))
        except (CheckpointError, OSError) as error:
            raise CheckpointError(f"{self.path}: {_reason(error)}") from None


class CheckpointStore:
    """The checkpoints of one run directory."""

    def __init__(self, layout: RunLayout) -> None:
        self._layout = layout

    def entries(self) -> list[CheckpointEntry]:
        """List the files with a checkpoint's name, oldest iteration first.

        Those that a session is moving to the archive, or that a crashed one was, are left out.

        Raises:
            OSError: a folder cannot be read.
        """
        last = last_iteration_staying(self._layout)
        return [entry for entry in self.all_entries() if entry.name.iteration <= last]

    def all_entries(self) -> list[CheckpointEntry]:
        """List the files with a checkpoint's name, also those that are on their way to the archive.

        Raises:
            OSError: a folder cannot be read.
        """
        folders = ((self._layout.cache, False), (self._layout.permanent, True))
        found = [entry for folder, permanent in folders for entry in _list(folder, permanent)]
        return sorted(found, key=lambda entry: (entry.name.iteration, entry.permanent))

    def newest_valid(self) -> tuple[CheckpointEntry | None, list[tuple[Path, str]]]:
        """Return the newest checkpoint that verifies, and the newer, damaged ones with reasons."""
        skipped: list[tuple[Path, str]] = []
        for entry in reversed(self.entries()):
            try:
                self.read(entry.path)
            except CheckpointError as error:
                skipped.append((entry.path, str(error)))
            else:
                return entry, skipped
        return None, skipped

    @staticmethod
    def read(path: Path) -> tuple[io.BytesIO, CheckpointMeta]:
        """Read a checkpoint and verify it; the bytes returned are the bytes verified.

        Raises:
            CheckpointError: the file is damaged, foreign or unreadable; one line.
        """
        try:
            data = _read_sealed(path)
            meta = _decode_meta(seal.verify(data))
            _refuse_unsafe_members(data)
        except (CheckpointError, OSError) as error:
            raise CheckpointError(f"{path}: {_reason(error)}") from None
        return io.BytesIO(data), meta

    @staticmethod
    def name_of(meta: CheckpointMeta, *, permanent: bool) -> CheckpointName:
        return meta.identity.checkpoint_name(meta.iteration, meta.elo if permanent else None)

    def path_of(self, meta: CheckpointMeta, *, permanent: bool) -> Path:
        folder = self._layout.permanent if permanent else self._layout.cache
        return folder / self.name_of(meta, permanent=permanent).format()

    def save(self, path: Path, meta: CheckpointMeta, write: Callable[[BinaryIO], None]) -> int:
        """Write a checkpoint atomically, sync it, and return its size in bytes.

        Raises:
            OSError: the disk did not accept it.
            ValueError: `write` wrote no zip archive.
            Exception: what `write` raises. In all cases nothing has changed.
        """
        description = _describe(meta)
        size = 0

        def sealed(file: BinaryIO) -> None:
            nonlocal size
            size = seal.write_sealed(file, write, description)

        atomic.make_folder(path.parent, inside=self._layout.root)
        atomic.write_file(path, sealed)
        return size

    def prune(self, written: CheckpointName) -> None:
        """Delete the checkpoints that retention expires; a failed deletion is only logged."""
        cached = {entry.name: entry.path for entry in _list(self._layout.cache, permanent=False)}
        for name in expired(cached, written=written):
            try:
                atomic.discard(cached[name])
            except OSError as error:
                log.warning("cannot delete %s: %s", cached[name], error.strerror)


def _list(folder: Path, permanent: bool) -> list[CheckpointEntry]:
    try:
        with os.scandir(folder) as files:
            # A link counts, also one whose file is gone: that is said, not passed over.
            names = [file.name for file in files if file.is_file() or file.is_symlink()]
    except FileNotFoundError:
        return []
    parsed = ((CheckpointName.parse(name), folder / name) for name in names)
    return [CheckpointEntry(name, path, permanent) for name, path in parsed if name is not None]


def _describe(meta: CheckpointMeta) -> bytes:
    """Encode the metadata; rows that would make it too long are packed.

    Of thousands of unwritten rows, the oldest are left out.
    """
    data = msgspec.json.encode(meta)
    dropped = 0
    while len(data) > seal.DESCRIPTION_LIMIT and dropped <= len(meta.rows):
        packed = zlib.compress(b"".join(encode_row(row) for row in meta.rows[dropped:]), 9)
        data = msgspec.json.encode(msgspec.structs.replace(meta, rows=[], packed_rows=packed))
        dropped += max(len(meta.rows) // 20, 1)
    return data


def _decode_meta(description: bytes) -> CheckpointMeta:
    try:
        schema = msgspec.json.decode(description, type=_Schema).schema
        if schema != SCHEMA:
            raise CheckpointError(
                f"has schema {schema}, this version reads {SCHEMA}: use the version that wrote it"
            )
        return _unpacked(msgspec.json.decode(description, type=CheckpointMeta))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CheckpointError(f"its description cannot be read: {error}") from None


def _unpacked(meta: CheckpointMeta) -> CheckpointMeta:
    if not meta.packed_rows:
        return meta
    try:
        # Bounded: a few kilobytes of zlib can unpack to gigabytes.
        lines = zlib.decompressobj().decompress(meta.packed_rows, _UNPACKED_LIMIT)
    except zlib.error as error:
        raise CheckpointError(f"its history rows cannot be unpacked: {error}") from None
    rows = [row for line in lines.splitlines() if (row := decode_row(line)) is not None]
    return msgspec.structs.replace(meta, rows=[*rows, *meta.rows], packed_rows=b"")


class _Schema(msgspec.Struct):
    schema: int


def _read_sealed(path: Path) -> bytes:
    """Read a regular file that ends with a seal; a foreign, maybe huge file is not read whole."""
    with seal.open_regular(path) as file:
        seal.read_description(file)
        file.seek(0)
        return file.readall()


def _refuse_unsafe_members(data: bytes) -> None:
    """Refuse an archive that could unpack to more than its size or outside of its folder.

    The digest proves only that the file is undamaged, not who made it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise CheckpointError(f"is no readable archive: {error}") from None
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise CheckpointError("holds compressed parts, which no checkpoint here does")
        if member.filename.startswith("/") or ".." in Path(member.filename).parts:
            raise CheckpointError(f"holds a part with a path outside of it: {member.filename!r}")


def _reason(error: CheckpointError | OSError) -> str:
    return explain_read(error) if isinstance(error, OSError) else str(error)
