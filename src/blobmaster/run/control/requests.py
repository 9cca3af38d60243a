"""Owns control.signal: how a request is left for the trainer, and how the trainer takes it."""

import contextlib
import enum
import os
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from blobmaster.run.errors import ControlError, StatusError
from blobmaster.run.files import atomic
from blobmaster.run.status.schema import read_regular

LIMIT_BYTES = 4096
WRITER_PATIENCE_S = 0.2
"""`echo PAUSE > control.signal` empties the file first and writes a moment later."""
SEND_TRIES = 10
"""Times that others may come first, before a request replaces what lies there."""


class RequestKind(enum.StrEnum):
    """What the trainer can be asked; the value is the text in the file."""

    PAUSE = "PAUSE"
    """Finish and commit this iteration, then leave."""
    PAUSE_NOW = "PAUSE NOW"
    """Give up the running blocks and leave within 2 s."""
    CONTINUE = "CONTINUE"
    """Take back a pause that has not happened yet."""
    CHECKPOINT = "CHECKPOINT"
    """Keep the next commit as a permanent one too."""


def send(path: Path, text: str) -> None:
    """Leave a request at `path`, whole or not at all, behind those that were not taken yet.

    Raises: ControlError, one line.
    """
    # Several monitors may ask at once: each writes a file of its own before the rename.
    own = path.with_name(f".{path.name}.{os.getpid()}")
    lines = [text]
    try:
        for _ in range(SEND_TRIES):
            atomic.replace(own, "".join(f"{line}\n" for line in lines).encode())
            if atomic.rename_to_free(own, path):
                return
            earlier = take(path, path.with_name(f"{own.name}.earlier"))
            if earlier is not None:
                lines = [*earlier.kinds, *lines]
        atomic.rename(own, path)  # what lies there is no request, and stays none
    except OSError as error:
        with contextlib.suppress(OSError):
            atomic.discard(own)
        raise ControlError(f"cannot write {path}: {error.strerror}") from None


@dataclass(frozen=True)
class Taken:
    """What was found in the signal file."""

    text: str
    """As it is shown to a person."""
    kinds: list[RequestKind]
    """One a line; empty if the text was not understood."""


def take(path: Path, taken: Path) -> Taken | None:
    """Take what was left at `path`; None if there is nothing yet: an empty file is not a signal.

    The file is renamed to `taken` before it is read: one written meanwhile is the next signal.

    Raises: OSError.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and not found.st_size):
        return None
    try:
        atomic.rename(path, taken)
    except FileNotFoundError:  # whoever asks as well is putting the two together
        return None
    try:
        return _understand(_read(taken))
    finally:
        atomic.discard(taken)


def is_stale(path: Path, process_started_at: float) -> bool:
    """Whether a signal is older than the process that finds it when it opens the run.

    Asked once, at that moment: what appears later is meant for this process, whatever its time.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_mtime < process_started_at


def _read(taken: Path) -> str:
    if not stat.S_ISREG(taken.lstat().st_mode):
        return "(a link or device, not a file)"
    deadline = time.monotonic() + WRITER_PATIENCE_S
    while True:
        try:
            text = read_regular(taken, LIMIT_BYTES).decode(errors="replace")
        except StatusError:
            return "(a file that is too large or cannot be read)"
        if text.strip() or time.monotonic() > deadline:
            return text.strip()
        time.sleep(0.01)


def _understand(text: str) -> Taken:
    known = {kind.value: kind for kind in RequestKind}
    lines = [" ".join(line.upper().split()) for line in text.splitlines() if line.strip()]
    kinds = [known[line] for line in lines if line in known]
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:80]
    return Taken(shown, kinds if len(kinds) == len(lines) else [])


class Requests:
    """What the trainer was asked and has not done yet. Any thread may ask and look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pause = False
        self._keep = False
        self._signal = 0
        self.should_stop = threading.Event()
        """Running blocks are to be given up."""

    @property
    def pause(self) -> bool:
        """The run is to leave, now or after this iteration."""
        return self._pause or self.should_stop.is_set()

    @property
    def signal(self) -> int:
        """The first signal that asked to leave; 0 if none did."""
        return self._signal

    def ask(self, kind: RequestKind) -> bool:
        """Take a request in; False if it comes too late."""
        with self._lock:
            if kind is RequestKind.CHECKPOINT:
                self._keep = True
            elif kind is RequestKind.CONTINUE:
                if self.should_stop.is_set():
                    return False
                self._pause = False
            else:
                self._pause = True
                if kind is RequestKind.PAUSE_NOW:
                    self.should_stop.set()
        return True

    def stop(self, signal: int) -> None:
        """Leave because of a signal."""
        with self._lock:
            self._signal = self._signal or signal
            self.should_stop.set()

    def take_keep(self) -> bool:
        """Whether the commit that asks is to be kept for good; asked once a request."""
        with self._lock:
            keep, self._keep = self._keep, False
        return keep
