"""Keys of information sets: hashes of what the seat to act knows."""

from __future__ import annotations

from blobmaster.kernels.compile import kernel

NO_HISTORY = 0
_MIX_A = 0x2545F4914F6CDD1D
_MIX_B = 0x1B873593CC9E2D51


@kernel
def mixed(bits: int) -> int:
    """A hash of 63 bits; int64 throughout, whose products wrap."""
    bits = (bits ^ (bits >> 31)) * _MIX_A
    bits = (bits ^ (bits >> 29)) * _MIX_B
    return bits ^ (bits >> 32)


@kernel
def extended(history: int, action: int) -> int:
    """The key of a history, which begins with `NO_HISTORY`, and one more action."""
    return mixed(history + action + 1)


@kernel
def information_key(history: int, hand: int) -> int:
    """The key of what a seat knows: its hand's mask, and the actions that everybody saw."""
    return mixed(history ^ hand)
