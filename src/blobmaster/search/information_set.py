"""Keys of information sets: hashes of everything that the seat to act knows."""

from __future__ import annotations

from blobmaster.kernels.compile import inner_kernel, kernel

NO_HISTORY = 0
"""The key of an empty history."""

# The multipliers of xorshift64* and MurmurHash3, in a finalizer of SplitMix64's form.
_MIX_A = 0x2545F4914F6CDD1D
_MIX_B = 0x1B873593CC9E2D51


@kernel
def mixed(bits: int) -> int:
    """Return a hash of `bits`; all in int64, whose products wrap around."""
    bits = (bits ^ (bits >> 31)) * _MIX_A
    bits = (bits ^ (bits >> 29)) * _MIX_B
    return bits ^ (bits >> 32)


@inner_kernel
def extended(history: int, action: int) -> int:
    """Return the key of a history with one more action; the first one is `NO_HISTORY`."""
    # Plus one, because `mixed(0)` is 0: the two of spades (0) would not change an empty history.
    return mixed(history + action + 1)


@inner_kernel
def information_key(history: int, hand: int) -> int:
    """Return the key of a seat's knowledge: the public actions, and the mask of its hand."""
    return mixed(history ^ hand)
