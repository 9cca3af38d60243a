"""Moves a run's files into a folder of the archive, also where that is on another filesystem.

What cannot be renamed is first copied beside the folder (`stage`), while nothing has changed yet.
`finish` then makes the copies the folder, renames the rest into it and deletes the originals. It
can be repeated after a crash at any point.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from blobmaster.run.errors import RunDirectoryError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import CheckpointName, RunLayout

_SUFFIX = ".moving"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Move:
    """A file, or a folder of checkpoints or blocks, and its path in the folder of the archive."""

    source: Path
    target: str


def stage(layout: RunLayout, moves: Sequence[Move], target: Path) -> None:
    """Copy what cannot be renamed into `target`, to a hidden folder beside it.

    It is idempotent: what was copied before is not copied again.

    Raises:
        RunDirectoryError: files cannot be moved from where they are, or there is no room for them.
        OSError: the disk did not accept it. In both cases nothing has moved.
    """
    atomic.make_folder(layout.archive, inside=layout.root)
    present = [move for move in moves if os.path.lexists(move.source)]
    _refuse_unmovable(present)
    copied = [move for move in present if _needs_copy(move.source, layout.archive)]
    if not copied:
        return
    staging = _staging(target)
    _refuse_without_room(copied, staging)
    for move in copied:
        _copy(move.source, staging / move.target, layout.root)


def finish(layout: RunLayout, moves: Sequence[Move], target: Path) -> None:
    """Carry out the moves into `target`, with what `stage` has copied.

    Raises:
        OSError: a file cannot be moved; repeat it.
    """
    staging = _staging(target)
    if staging.is_dir() and not target.exists():
        atomic.move(staging, target)
    atomic.make_folder(target, inside=layout.root)
    for move in moves:
        if os.path.lexists(move.source):
            _carry_out(move.source, target / move.target, layout.root)


def discard_staged(layout: RunLayout) -> None:
    """Delete what a move that never began has copied.

    Raises:
        OSError: a copy cannot be deleted.
    """
    if layout.archive.is_dir():
        for folder in layout.archive.glob(f".*{_SUFFIX}"):
            _discard_tree(folder)


def _staging(target: Path) -> Path:
    return target.with_name(f".{target.name}{_SUFFIX}")


def _needs_copy(source: Path, archive: Path) -> bool:
    """Return True if a rename would fail, or would take away a link to another disk."""
    if source.is_symlink():
        return source.is_dir()
    return source.stat().st_dev != archive.stat().st_dev


def _refuse_unmovable(moves: Sequence[Move]) -> None:
    # Found out now: once copies are made, a source that cannot be deleted would block every start.
    for move in moves:
        folder = move.source if move.source.is_dir() else move.source.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise RunDirectoryError(
                f"cannot move the earlier files out of {folder}, which is not writable: change "
                "its permissions, or use another --checkpoint-dir; nothing was moved"
            )


def _refuse_without_room(moves: Sequence[Move], staging: Path) -> None:
    archive = staging.parent
    device = archive.stat().st_dev
    needed = 0
    for move in moves:
        for file in _files(move.source):
            done = (staging / move.target / file.relative_to(move.source)).exists()
            if not done and not file.is_symlink() and file.stat().st_dev != device:
                needed += file.stat().st_size
    free = psutil.disk_usage(str(archive)).free
    if needed > free:
        raise RunDirectoryError(
            f"the earlier files must be copied to {archive} on another filesystem, {needed:,} "
            f"bytes with {free:,} free: free some space, or use another --checkpoint-dir; "
            "nothing was moved"
        )


def _carry_out(source: Path, target: Path, root: Path) -> None:
    if not os.path.lexists(target) and not (source.is_symlink() and source.is_dir()):
        try:
            atomic.make_folder(target.parent, inside=root)
            atomic.move(source, target)
        except OSError as error:
            # A mount of the same device, or a folder of a lower layer of an overlay.
            if error.errno not in atomic.CANNOT_RENAME:
                raise
        else:
            return
    if not os.path.lexists(target):
        partial = _staging(target)
        _copy(source, partial, root)
        atomic.move(partial, target)
    _discard_copied(source, target)


def _copy(source: Path, target: Path, root: Path) -> None:
    if source.is_dir():
        atomic.make_folder(target, inside=root)
    for file in _files(source):
        copy = target / file.relative_to(source)
        if not os.path.lexists(copy):  # a copy that has its name was verified
            atomic.make_folder(copy.parent, inside=root)
            atomic.copy(file, copy)


def _discard_copied(source: Path, target: Path) -> None:
    """Delete the files that have a copy in `target`, then empty folders; anything else stays."""
    for file in _files(source):
        if atomic.is_copy(file, target / file.relative_to(source)):
            atomic.discard(file)
        else:
            log.warning("%s stays: the archive holds another file of that name", file)
    if not source.is_dir():
        atomic.sync_folder(source.parent)
        return
    for folder in _block_folders(source):
        atomic.discard_folder(folder)
    atomic.sync_folder(source)
    if not source.is_symlink():
        atomic.discard_folder(source)


def _files(source: Path) -> list[Path]:
    """Return the file itself, or a folder's checkpoints or blocks, the oldest first."""
    if not source.is_dir():
        return [source]
    found = [path for path in sorted(source.iterdir()) if CheckpointName.parse(path.name)]
    for folder in _block_folders(source):
        found += [
            path
            for path in sorted(folder.iterdir())
            if RunLayout.index_of_block(path.name) is not None
        ]
    return found


def _block_folders(source: Path) -> list[Path]:
    return [
        path
        for path in sorted(source.iterdir())
        if path.is_dir() and RunLayout.iteration_of_folder(path.name) is not None
    ]


def _discard_tree(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            _discard_tree(path)
        else:
            atomic.discard(path)
    atomic.discard_folder(folder)
