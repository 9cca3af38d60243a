# It stands for `os`, so it calls `os`.
# ruff: noqa: PTH102, PTH105, PTH106, PTH108
"""Replaces `os` in run/files/atomic.py and records what was synced, to simulate a power loss.

The model is harsher than ext4 or xfs: after a power loss every change of a folder that was not
synced may or may not have happened, in any combination; what was written to a file since its last
sync may be there, cut short, zeroed or missing. A rename within the filesystem happens or not.
"""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Inode:
    data: bytearray = field(default_factory=bytearray)
    durable: bytes | None = None
    """None: never synced."""


@dataclass(frozen=True)
class Change:
    """A change of one or two folders: `target` now is `inode`; None takes it away."""

    target: Path
    inode: Inode | None
    source: Path | None = None
    """Where a rename took it from."""

    @property
    def folders(self) -> set[Path]:
        return {self.target.parent} | ({self.source.parent} if self.source else set())


class ForgetfulOs:
    """Also performs every operation on real files, so that the program under test works on."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._now: dict[Path, Inode | None] = {root: None}
        self._durable: dict[Path, Inode | None] = {root: None}
        """Folders are None."""
        self._pending: list[Change] = []
        self._open: dict[int, Inode | Path] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        path = Path(path)
        if path.is_dir():
            self._open[descriptor] = path
        else:
            inode = self._now.get(path)
            if inode is None:
                inode = Inode()
                self._change(Change(path, inode))
            self._open[descriptor] = inode
        return descriptor

    def close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        os.close(descriptor)

    def write(self, descriptor: int, data: Any) -> int:
        written = os.write(descriptor, data)
        inode = self._open[descriptor]
        assert isinstance(inode, Inode)
        inode.data += bytes(data[:written])  # all writers here append
        return written

    def fsync(self, descriptor: int) -> None:
        opened = self._open[descriptor]
        if isinstance(opened, Inode):
            opened.durable = bytes(opened.data)
            return
        for change in self._pending:
            if opened in change.folders:
                self._apply(self._durable, change)
        self._pending = [change for change in self._pending if opened not in change.folders]

    def replace(self, source: Any, target: Any) -> None:
        os.replace(source, target)
        source, target = Path(source), Path(target)
        below = [path for path in self._now if source in path.parents]
        self._change(Change(target, self._now[source], source))
        assert not any(path in self._now for path in below)

    def link(self, source: Any, target: Any, **how: Any) -> None:
        os.link(source, target, **how)
        self._change(Change(Path(target), self._now[Path(source)]))

    def unlink(self, path: Any) -> None:
        os.unlink(path)
        self._change(Change(Path(path), None))

    def mkdir(self, path: Any) -> None:
        os.mkdir(path)
        self._pending.append(Change(Path(path), None, source=Path(path)))
        self._now[Path(path)] = None

    def rmdir(self, path: Any) -> None:
        os.rmdir(path)
        self._change(Change(Path(path), None))

    def lose_power(self, luck: random.Random, into: Path) -> None:
        """Lay out in `into` one state in which the disk may be found."""
        found = dict(self._durable)
        for change in self._pending:
            if luck.random() < 0.5:
                self._apply(found, change)
        for path, inode in sorted(found.items()):
            if all(parent in found for parent in _parents(path, self._root)):
                place = into / path.relative_to(self._root)
                if inode is None:
                    place.mkdir(parents=True, exist_ok=True)
                else:
                    place.write_bytes(_survivor(inode, luck))

    def _change(self, change: Change) -> None:
        self._pending.append(change)
        self._apply(self._now, change)

    @staticmethod
    def _apply(namespace: dict[Path, Inode | None], change: Change) -> None:
        source, target = change.source, change.target
        if source == target:  # a new folder
            namespace.setdefault(target, None)
        elif source is not None:
            moved = [path for path in namespace if path == source or source in path.parents]
            for path in moved:
                namespace[target / path.relative_to(source)] = namespace.pop(path)
        elif change.inode is None:
            namespace.pop(target, None)
        else:
            namespace[target] = change.inode


def _parents(path: Path, root: Path) -> list[Path]:
    return [parent for parent in path.parents if parent == root or root in parent.parents]


def _survivor(inode: Inode, luck: random.Random) -> bytes:
    """What was synced stays; what was appended since may be there, partly, zeroed or not."""
    synced = inode.durable or b""
    added = bytes(inode.data[len(synced) :])
    cut = luck.randrange(len(added) + 1)
    return synced + luck.choice([added, b"", added[:cut], bytes(len(added))])
