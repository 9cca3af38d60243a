"""What a command tells the person who typed it: text on stdout, a refusal in a line on stderr."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from blobmaster.monitor.text import words

INTERRUPTED: Final = 130
BAD_INPUT: Final = 2


def say(text: str) -> None:
    """Print, in ASCII where the terminal or pipe has no more."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = words.to_ascii(text)
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(command: str, reason: str) -> None:
    """One line about what went wrong; any thread may."""
    with contextlib.suppress(OSError):  # nobody reads it any more
        sys.stderr.write(f"blobmaster {command}: {reason}\n")
        sys.stderr.flush()


def refuse(command: str, reason: str) -> int:
    """Say why the command is not carried out; returns its exit status."""
    complain(command, reason)
    return BAD_INPUT
