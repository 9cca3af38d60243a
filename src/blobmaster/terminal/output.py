"""Standard output and error that no command can fail on: printing is a courtesy.

The terminal may go away under nohup, the reader of a pipe may leave (`| head -1`), the disk behind
a redirection may be full, a parent may have closed the descriptors, and the locale may know neither
"…" nor "×". None of it may end a training run, lose a result or change an exit status.
"""

import atexit
import codecs
import collections
import errno
import io
import os
import select
import sys
import threading
from typing import Any, Final, TextIO

_ASCII: Final = str.maketrans(
    {"—": "-", "–": "-", "−": "-", "±": "~", "·": "|", "×": "x", "π": "pi", "τ": "tau", "…": "...",
     "“": '"', "”": '"', "‘": "'", "’": "'", "≤": "<=", "≥": ">=", "→": "->", "µ": "u"}
)  # fmt: skip
_ERRORS: Final = "blobmaster-courtesy"
_GONE: Final = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO, errno.ECONNRESET, errno.EBADF})
"""Errors of a reader or a terminal that has left, which nobody needs to be told."""
_QUEUED_BYTES: Final = 1 << 18
"""Output that waits for a stopped terminal; more is dropped."""
_SETTLE_SECONDS: Final = 0.5
"""Time that an ending process gives a slow reader to take what is queued."""


def protect_output() -> None:
    """Replace `sys.stdout` and `sys.stderr` by streams whose writes never fail.

    To be called once, before anything is printed or opened. Streams that are not the process's own,
    as in a test that captures them, stay.
    """
    _occupy_standard_descriptors()
    codecs.register_error(_ERRORS, _replace)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, _courteous(stream, descriptor))


def never_wait() -> None:
    """Write the output in a thread from now on, and drop it if too much waits.

    For a command that must go on while nobody reads: a terminal that Ctrl+S stopped or a full pipe
    blocks every write, and with it all threads that log.
    """
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, _CourteousText)]
    if streams:
        writer = _Writer()
        for stream in streams:
            stream.flush()
            stream.raw.writer = writer
        atexit.register(settle)


def settle() -> None:
    """Flush the output, and give what `never_wait` queued a moment to be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the reader of a pipe may be gone
            continue
        if isinstance(stream, _CourteousText) and stream.raw.writer is not None:
            stream.raw.writer.settle(_SETTLE_SECONDS)


def reader_left(stream: TextIO) -> bool:
    """Return True if output of the stream was lost: printing more would serve nobody.

    For a command that does nothing but print, and would go on for ever.
    """
    return isinstance(stream, _CourteousText) and stream.raw.is_lost


def _occupy_standard_descriptors() -> None:
    """Open `/dev/null` where descriptor 0, 1 or 2 is closed.

    Otherwise the next file that is opened, such as the run's lock or a checkpoint, would get the
    number, and whatever prints to it would write into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one


class _CourteousRaw(io.RawIOBase):
    """Writes to a descriptor and drops what it does not take."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_lost = False
        self.writer: _Writer | None = None
        """Writes in place of the calling thread, if that must not wait."""

    def writable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def fileno(self) -> int:
        """See `io.IOBase`."""
        return self._descriptor

    def isatty(self) -> bool:
        """See `io.IOBase`."""
        return os.isatty(self._descriptor)  # False for a terminal that has gone

    def write(self, data: Any, /) -> int:
        """Write all or some of the data, or drop it."""
        if self.writer is None:
            return self.write_now(data)
        self.writer.put(self, bytes(data))
        return len(data)

    def write_now(self, data: Any) -> int:
        """Do as `write`, in the calling thread."""
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Somebody who shares the terminal made it non-blocking: wait as it would have.
                ready = select.poll()
                ready.register(self._descriptor, select.POLLOUT)
                ready.poll()
            except OSError as error:
                if not self.is_lost and error.errno not in _GONE:
                    self._explain(error)
                self.is_lost = True
                return len(data)

    def _explain(self, error: OSError) -> None:
        if self._descriptor == 1:
            reason = f"cannot print: {error.strerror}; redirect the output elsewhere"
            sys.stderr.write(f"blobmaster: {reason}\n")


class _Writer:
    """Writes what it is given in a thread of its own, in order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: collections.deque[tuple[_CourteousRaw, bytes]] = collections.deque()
        self._waiting = 0
        self._dropped = 0
        threading.Thread(target=self._run, name="output", daemon=True).start()

    def put(self, raw: _CourteousRaw, data: bytes) -> None:
        """Queue the data, or drop it whole if too much waits already."""
        with self._changed:
            if self._waiting and self._waiting + len(data) > _QUEUED_BYTES:
                self._dropped += len(data)
                return
            self._waiting += len(data)
            self._queue.append((raw, data))
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until all is written, but not longer than `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting == 0, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                raw, data = self._queue.popleft()
            rest = data
            while rest:
                rest = rest[raw.write_now(rest) :]
            with self._changed:
                self._waiting -= len(data)
                if self._waiting == 0 and self._dropped:
                    note = f"\n({self._dropped:,} bytes of output were dropped: nobody read)\n"
                    self._dropped = 0
                    self._queue.append((raw, note.encode()))
                    self._waiting += len(note)
                self._changed.notify_all()


class _CourteousText(io.TextIOWrapper):
    """A text stream over `_CourteousRaw`."""

    # click wraps the `buffer` of an ASCII stream in a UTF-8 stream of its own; without one it
    # prints to this stream, whose error handler knows better.
    buffer: Any = None

    def __init__(self, raw: _CourteousRaw, encoding: str, errors: str, *, lines: bool) -> None:
        super().__init__(
            io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=lines
        )
        self.raw = raw


def _courteous(stream: TextIO | None, descriptor: int) -> TextIO:
    encoding = "utf-8" if stream is None else stream.encoding
    errors = "strict" if stream is None else stream.errors or "strict"
    # Another handler is the user's wish: PYTHONIOENCODING=ascii:xmlcharrefreplace.
    is_default = errors in ("strict", "surrogateescape", "backslashreplace")
    raw = _CourteousRaw(descriptor)
    # Lines appear at once on a terminal, on stderr, and with PYTHONUNBUFFERED, as in Python's own
    # streams.
    is_unbuffered = bool(getattr(stream, "write_through", False))
    lines = descriptor == 2 or raw.isatty() or is_unbuffered
    return _CourteousText(raw, encoding, _ERRORS if is_default else errors, lines=lines)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what is printed in place of letters that the stream's encoding does not have.

    Bytes of a path that is not UTF-8 are printed as they are, as `ls` does into a pipe. A known
    sign has an ASCII form, and anything else is a question mark.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    if "\udc80" <= letter <= "\udcff":
        return bytes([ord(letter) - 0xDC00]), error.start + 1
    form = letter.translate(_ASCII)
    return form if form.isascii() else "?", error.start + 1
