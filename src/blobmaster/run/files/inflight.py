"""Owns finished blocks of work, in `inflight/` until their iteration's checkpoint commits."""

import logging
import struct
from collections.abc import Callable
from pathlib import Path

import xxhash

from blobmaster.run.errors import StatusError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import read_regular

LIMIT_BYTES = 1 << 30
_HEAD = struct.Struct(">8s16sII16s")
"""Mark, digest of the key, iteration, index, digest of all these and the payload."""
_MARK = b"blobblk1"

log = logging.getLogger(__name__)

Insist = Callable[[Callable[[], None], str], None]
"""Runs a write, named for the log, until the disk takes it."""


def once(action: Callable[[], None], what: str) -> None:
    """Try an action a single time: what a store does that nobody told to insist."""
    del what
    action()


class InflightStore:
    """Finished blocks, each checked, whole, and tied to what it was made with by a key."""

    def __init__(self, layout: RunLayout, insist: Insist = once) -> None:
        self._layout = layout
        self._insist = insist

    def put(self, iteration: int, index: int, payload: bytes, key: str) -> None:
        """Keep a block; any thread may. `key` names the weights and settings it was made with.

        Raises: OSError.
        """
        path = self._layout.block(iteration, index)
        data = _head(iteration, index, payload, key) + payload

        def write() -> None:
            atomic.make_folder(path.parent)
            atomic.replace(path, data)

        self._insist(write, f"block {index + 1} of iteration {iteration + 1}")

    def get_all(self, iteration: int, key: str) -> dict[int, bytes]:
        """The whole blocks of an iteration that were made with `key`; others are removed.

        Raises: OSError.
        """
        blocks: dict[int, bytes] = {}
        for path, index in self._blocks(iteration):
            try:
                blocks[index] = _payload(read_regular(path, LIMIT_BYTES), iteration, index, key)
            except (StatusError, ValueError) as error:
                log.warning("%s is played again: %s", path.name, error)
                atomic.discard(path)
        return blocks

    def clear(self, before_iteration: int | None = None) -> None:
        """Remove the blocks of iterations (0-based) before the given one, or all.

        Raises: OSError.
        """
        for folder in _folders(self._layout.inflight):
            iteration = self._layout.iteration_of_folder(folder.name)
            if iteration is None or (
                before_iteration is not None and iteration >= before_iteration
            ):
                continue
            for path, _ in self._blocks(iteration):
                atomic.discard(path)
            atomic.sweep(folder, lambda name: self._layout.index_of_block(name) is not None)
            atomic.discard_folder(folder)

    def _blocks(self, iteration: int) -> list[tuple[Path, int]]:
        folder = self._layout.inflight_of(iteration)
        if not folder.is_dir():
            return []
        parsed = (
            (path, self._layout.index_of_block(path.name)) for path in sorted(folder.iterdir())
        )
        return [(path, index) for path, index in parsed if index is not None]


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def _head(iteration: int, index: int, payload: bytes, key: str) -> bytes:
    digest = xxhash.xxh3_128()
    key_digest = xxhash.xxh3_128_digest(key.encode())
    digest.update(_HEAD.pack(_MARK, key_digest, iteration, index, bytes(16)))
    digest.update(payload)
    return _HEAD.pack(_MARK, key_digest, iteration, index, digest.digest())


def _payload(data: bytes, iteration: int, index: int, key: str) -> bytes:
    payload = data[_HEAD.size :]
    if data[: _HEAD.size] != _head(iteration, index, payload, key):
        raise ValueError("it is damaged or was made with other weights or settings")
    return payload
