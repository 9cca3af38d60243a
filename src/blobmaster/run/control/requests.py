"""Owns control.signal: sends requests to the trainer and receives them in it."""

import contextlib
import enum
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from blobmaster.run.errors import ControlError, FileUnusableError
from blobmaster.run.files import atomic
from blobmaster.run.files.disk_errors import explain
from blobmaster.run.files.layout import CONTROL_NAME
from blobmaster.run.files.output_file import output_problem
from blobmaster.run.files.read import read_regular
from blobmaster.run.files.text import decode, escaped, without_invisible

LIMIT_BYTES = 4096
WRITER_WAIT_S = 0.2
"""Wait for an empty file's text: `echo PAUSE > control.signal` truncates first, then writes."""
SEND_TRIES = 10
"""Attempts to merge with a request that is already there, before it is overwritten."""


class RequestKind(enum.StrEnum):
    """A request to the trainer; the value is the text in the file."""

    PAUSE = "PAUSE"
    """Finish and commit this iteration, then exit."""
    PAUSE_NOW = "PAUSE NOW"
    """Abandon the running blocks and exit within 2 s."""
    CONTINUE = "CONTINUE"
    """Cancel a pause that has not happened yet."""
    CHECKPOINT = "CHECKPOINT"
    """Make the next commit's checkpoint permanent."""


def send(path: Path, text: str) -> None:
    """Write a request to `path` atomically, after those that the trainer has not read yet.

    Raises:
        ControlError: the file cannot be written, or another kind of file is there.
    """
    # Several monitors may send at once. Each writes a file of its own and renames it only if `path`
    # is free. Otherwise it takes what is there, as the trainer does, and puts both in its file: so
    # no request is lost, whoever comes first, unless a sender is killed in between.
    own = atomic.private_path(path)
    lines = [text]
    try:
        for _ in range(SEND_TRIES):
            atomic.replace(own, "".join(f"{line}\n" for line in lines).encode())
            try:
                if atomic.rename_if_free(own, path):
                    return
            except FileNotFoundError:  # a trainer that starts has taken `own` for a dead sender's
                continue
            _refuse_foreign(path)
            earlier = take(path, atomic.private_path(path))
            if earlier is not None:
                lines = [*earlier.kinds, *lines]
        atomic.rename(own, path)  # an empty file is in the way (a folder raises)
    except ControlError:
        atomic.discard(own)
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            atomic.discard(own)
        raise ControlError(f"cannot write {path}: {explain(error, path.parent)}") from None


def _refuse_foreign(path: Path) -> None:
    """Refuse to take away a file that holds no request, such as a checkpoint named by mistake.

    Raises:
        ControlError: `path` is such a file.
    """
    # Whatever lies under the documented name is meant for the trainer, which would remove it, too.
    if path.name == CONTROL_NAME:
        return
    problem = output_problem(path, _begins_with_request)
    if problem is not None:
        raise ControlError(f"no request was sent: {problem}")


def _begins_with_request(head: bytes) -> bool:
    first = without_invisible(decode(head, errors="backslashreplace")).strip().split("\n", 1)[0]
    return bool(_parse(first).kinds)


@dataclass(frozen=True)
class ControlMessage:
    """The content of the control file."""

    text: str
    """The text for the log, with escapes for letters that are not ASCII."""
    kinds: list[RequestKind]
    """The requests, one per line; empty if any line is unknown."""


def take(path: Path, taken: Path) -> ControlMessage | None:
    """Read and remove the control file at `path`; returns None if it is missing or blank.

    The file is renamed to `taken` before it is read, so one written meanwhile is kept as the next.

    Raises:
        OSError: the file cannot be renamed or read.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and _is_blank(path)):
        return None
    try:
        atomic.rename(path, taken)
    except FileNotFoundError:  # another sender took it to merge it with its own request
        return None
    try:
        return _parse(_read(taken))
    finally:
        atomic.discard(taken)


def is_stale(path: Path, process_started_at: float) -> bool:
    """Return True if the control file is older than the process that opens the run.

    To be called once, when the run is opened: a file that appears later is meant for this process,
    whatever its time says.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_mtime < process_started_at


def _is_blank(path: Path) -> bool:
    try:
        return not without_invisible(decode(read_regular(path, LIMIT_BYTES))).strip()
    except (FileUnusableError, UnicodeDecodeError):
        return False


def _read(taken: Path) -> str:
    if not stat.S_ISREG(taken.lstat().st_mode):
        return "(a link or device, not a file)"
    deadline = time.monotonic() + WRITER_WAIT_S
    while True:
        try:
            text = decode(read_regular(taken, LIMIT_BYTES), errors="backslashreplace")
        except FileUnusableError:
            return "(a file that is too large or cannot be read)"
        if without_invisible(text).strip() or time.monotonic() > deadline:
            return text
        time.sleep(0.01)


def _parse(text: str) -> ControlMessage:
    known = {kind.value: kind for kind in RequestKind}
    written = [line.strip() for line in without_invisible(text).splitlines() if line.strip()]
    lines = [" ".join(line.upper().split()) for line in written]
    kinds = [known[line] for line in lines if line in known]
    shown = escaped(" ".join(" ".join(written).split()) or text)[:80]
    return ControlMessage(shown, kinds if len(kinds) == len(lines) else [])


class Requests:
    """The requests that the trainer has not carried out yet. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pause = False
        self._keep = False
        self._signal = 0
        self.should_stop = threading.Event()
        """Set when running blocks are to be abandoned."""

    @property
    def pause(self) -> bool:
        """True if the run is to exit, now or after this iteration."""
        return self._pause or self.should_stop.is_set()

    @property
    def signal(self) -> int:
        """The first signal that asked the run to exit; 0 if none did."""
        return self._signal

    def submit(self, kind: RequestKind) -> bool:
        """Accept a request; returns False if it comes too late."""
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
        """Ask the run to exit because of a signal."""
        with self._lock:
            self._signal = self._signal or signal
            self.should_stop.set()

    @property
    def keep(self) -> bool:
        """True if the next checkpoint is to be permanent."""
        return self._keep

    def take_keep(self) -> bool:
        """Return True, once per CHECKPOINT request, if the next checkpoint is to be permanent."""
        with self._lock:
            keep, self._keep = self._keep, False
        return keep
