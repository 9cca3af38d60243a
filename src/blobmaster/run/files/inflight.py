"""Owns `inflight/`: finished blocks of work, kept until their iteration's checkpoint commits."""

import logging
import struct
from collections.abc import Callable
from pathlib import Path

import xxhash

from blobmaster.run.errors import FileUnusableError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.read import read_regular

LIMIT_BYTES = 1 << 30
_HEAD = struct.Struct(">8s16sII16s")
"""Magic bytes, digest of the key, iteration, index, digest of all these and the payload."""
_MARK = b"blobblk1"

log = logging.getLogger(__name__)

RunWrite = Callable[[Callable[[], None], str], None]
"""Runs a write, described for the log, until the disk accepts it."""


def run_once(action: Callable[[], None], what: str) -> None:
    """Run an action without retries."""
    del what
    action()


class InflightStore:
    """Finished blocks, each protected by a digest and tied by a key to the weights that made it.

    A run that crashes within an iteration plays only the missing blocks again.
    """

    def __init__(self, layout: RunLayout, until_written: RunWrite = run_once) -> None:
        self._layout = layout
        self._insist = until_written

    def put(self, iteration: int, index: int, payload: bytes, key: str) -> None:
        """Store a block; thread-safe. `key` identifies the weights and settings that made it.

        Raises:
            OSError: the block cannot be written.
        """
        path = self._layout.block(iteration, index)
        data = _head(iteration, index, payload, key) + payload

        def write() -> None:
            atomic.make_folder(path.parent, inside=self._layout.root)
            atomic.replace(path, data)

        self._insist(write, f"block {index + 1} of iteration {iteration + 1}")

    def get_all(self, iteration: int, key: str) -> dict[int, bytes]:
        """Load an iteration's intact blocks made with `key` by index; delete all others.

        Raises:
            OSError: a block cannot be deleted.
        """
        blocks: dict[int, bytes] = {}
        for path, index in self._blocks(iteration):
            try:
                blocks[index] = _payload(read_regular(path, LIMIT_BYTES), iteration, index, key)
            except (FileUnusableError, ValueError) as error:
                log.warning("%s is played again: %s", path.name, error)
                atomic.discard(path)
        return blocks

    def clear(self, before_iteration: int | None = None) -> None:
        """Delete the blocks of all iterations (0-based) before the given one, or all blocks.

        Raises:
            OSError: a block cannot be deleted.
        """
        for folder in _folders(self._layout.inflight):
            iteration = self._layout.iteration_of_folder(folder.name)
            if iteration is None or (
                before_iteration is not None and iteration >= before_iteration
            ):
                continue
            for path, _ in self._blocks(iteration):
                atomic.discard(path)
            atomic.remove_temporaries(
                folder, lambda name: self._layout.index_of_block(name) is not None
            )
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
    # The digest covers the iteration and the index as well as the payload, so a block that was
    # copied or renamed to another block's path is refused like a damaged one.
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
