"""Recognizes that memory ran out, whichever library reports it, and says so in one line."""

from __future__ import annotations

import re

_PHRASES = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
"""Words of torch, of CUDA's libraries and of the system, in lower case. torch has a type of its own
for a GPU's memory only, and reports the CPU's as a plain `RuntimeError`."""
_SIZES = (
    r"[Tt]ried to allocate (\d[\d.]* ?\w+)",  # torch: 2.00 GiB of a GPU, or bytes
    r"Unable to allocate (\d[\d.]* ?\w+)",  # numpy
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if the error says that memory could not be allocated."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, (RuntimeError, OSError)) and any(part in text for part in _PHRASES)


def out_of_memory_text(error: BaseException) -> str:
    """Return in one line what could not be allocated, and which settings to lower."""
    found = next(filter(None, (re.search(size, str(error)) for size in _SIZES)), None)
    asked = "" if found is None else f": {_readable(found[1])} could not be allocated"
    return (
        f"not enough memory{asked}; lower learning.batch, learning.window, self_play.lanes or "
        "--workers, in a new run also [network], or free some memory"
    )


def _readable(size: str) -> str:
    """Return a number of bytes in GB; other sizes as they are."""
    number, _, unit = size.partition(" ")
    return f"{int(number) / 1e9:,.1f} GB" if unit == "bytes" and number.isdigit() else size
