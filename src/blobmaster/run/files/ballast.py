"""Reserves disk space, so that the status can still be written when the disk is full."""

import logging
from pathlib import Path

from blobmaster.run.files import atomic

BALLAST_BYTES = 1 << 16
"""Space for the status and its replacement, in whole blocks of any usual filesystem."""

log = logging.getLogger(__name__)


class Ballast:
    """A file whose only purpose is to be deleted when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded = False

    def reserve(self) -> None:
        """Write the file, unless it is there; without space, the next call tries again."""
        if self._loaded:
            return
        try:
            atomic.replace(self._path, bytes(BALLAST_BYTES), atomic.Sync.NOTHING)
        except OSError as error:
            log.debug("no room for %s: %s", self._path, error.strerror)
        else:
            self._loaded = True

    def release(self) -> bool:
        """Delete the file; returns False if there was none."""
        dropped, self._loaded = self._loaded, False
        if dropped:
            atomic.discard(self._path)
        return dropped
