"""Owns control.signal: how a request is left for the trainer, and how the trainer takes it."""

import contextlib
import enum
import os
from pathlib import Path

from blobmaster.run import atomic
from blobmaster.run.errors import ControlError


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
    """Leave a request at `path`, whole or not at all; one that was not taken yet is replaced.

    Raises: ControlError, one line.
    """
    # Several monitors may ask at once: each writes a file of its own before the rename.
    own = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        atomic.replace(own, f"{text}\n".encode())
        own.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            atomic.discard(own)
        raise ControlError(f"cannot write {path}: {error.strerror}") from None
