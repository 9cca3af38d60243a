"""Reads the end of a growing log: incrementally, in bounded memory, whatever the file is."""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from pathlib import Path
from typing import Final

from blobmaster.monitor.text import fmt
from blobmaster.monitor.view import LogLine

LINES: Final = 200
FIRST_LOOK_BYTES: Final = 1 << 16
MOST_BYTES: Final = 1 << 18
"""Bytes per refresh; if the log grew by more, reading continues near its end."""

_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_LEVEL: Final = re.compile(rb"\b(?:(DEBUG|INFO)|(WARNING|WARN)|(ERROR|CRITICAL|FATAL))\b")
_LEVELS: Final = ("info", "warning", "error")


class LogTail:
    """The newest `LINES` lines of a log; `refresh` reads what was added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0
        self._torn = b""
        self._mid_line = False
        self._newest: deque[LogLine] = deque(maxlen=LINES)
        self._lines: tuple[LogLine, ...] = ()

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The lines, oldest first; the same object until a line is added."""
        return self._lines

    def refresh(self) -> None:
        """Read complete lines added since the last refresh; a partial line waits for the next one.

        A missing or special file has no lines.

        Raises:
            OSError: the file cannot be read.
        """
        try:
            descriptor = os.open(self._path, _FLAGS)
        except FileNotFoundError:
            self._start_over(inode=0, offset=0)
            return
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return
            if found.st_ino != self._inode or found.st_size < self._offset:
                self._start_over(found.st_ino, max(0, found.st_size - FIRST_LOOK_BYTES))
            elif found.st_size - self._offset > MOST_BYTES:
                self._start_over(found.st_ino, found.st_size - FIRST_LOOK_BYTES)
            self._take(os.pread(descriptor, MOST_BYTES, self._offset))
        finally:
            os.close(descriptor)

    def _start_over(self, inode: int, offset: int) -> None:
        self._inode, self._offset, self._torn = inode, offset, b""
        self._mid_line = offset > 0
        self._newest.clear()
        self._lines = ()

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self._offset += len(data)
        *whole, torn = (self._torn + data).split(b"\n")
        self._torn = torn[-MOST_BYTES:]
        if self._mid_line and whole:
            self._mid_line = False
            del whole[0]
        for line in whole:
            self._newest.append(_log_line(line, self._newest[-1].level if self._newest else "info"))
        self._lines = tuple(self._newest)


def _log_line(line: bytes, level_before: str) -> LogLine:
    """Parse a line; one without a level, as in a traceback, has the level of the line before."""
    found = _LEVEL.search(line[:80])
    level = _LEVELS[(found.lastindex or 1) - 1] if found else level_before
    return LogLine(level=level, text=fmt.clean(line.decode(errors="replace").rstrip(), 500))
