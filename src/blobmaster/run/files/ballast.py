"""Some room kept on the disk, so that a full one can still be told of in the status."""

import logging
from pathlib import Path

from blobmaster.run.files import atomic

BALLAST_BYTES = 1 << 16
"""Room for the status and its successor, in whole blocks of any usual filesystem."""

log = logging.getLogger(__name__)


class Ballast:
    """A file whose only use is that it can be dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded = False

    def load(self) -> None:
        """Keep the room; a disk without any is asked again another time."""
        if self._loaded:
            return
        try:
            atomic.replace(self._path, bytes(BALLAST_BYTES), atomic.Sync.NOTHING)
        except OSError as error:
            log.debug("no room for %s: %s", self._path, error.strerror)
        else:
            self._loaded = True

    def drop(self) -> bool:
        """Give the room back; False if there was none."""
        dropped, self._loaded = self._loaded, False
        if dropped:
            atomic.discard(self._path)
        return dropped
