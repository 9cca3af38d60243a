"""Output of the commands without a screen: text on stdout, errors as one line on stderr."""

from __future__ import annotations

import sys
from typing import Final

from blobmaster.monitor.text import fmt

INTERRUPTED: Final = 130
"""Exit status after Ctrl+C."""
BAD_INPUT: Final = 2
"""Exit status of a command that is refused."""


def write_out(text: str) -> None:
    """Write text to stdout, in ASCII if the terminal or pipe supports no more."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = fmt.to_ascii(text)
    sys.stdout.write(text)
    sys.stdout.flush()


def report_error(command: str, reason: str) -> None:
    """Write one line to stderr; thread-safe."""
    sys.stderr.write(f"blobmaster {command}: {reason}\n")
    sys.stderr.flush()


def refuse(command: str, reason: str) -> int:
    """Report why a command is refused and return its exit status."""
    report_error(command, reason)
    return BAD_INPUT
