"""Random streams that kernels draw from: SplitMix64, its whole state in an array.

A `np.random.Generator` passed to a kernel costs 7 µs to unbox and 34 ns an integer, and lives in
an object. This costs 1 ns a draw, and a row of an array is a stream: one a slot, copied and
compared like any data. Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.kernels.compile import kernel

Stream = npt.NDArray[np.uint64]
"""`[1]`: the generator's state; every draw changes it in place."""

# numba turns int64 with uint64 into float64, so every number that meets the state is a uint64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53
"""The distance of neighbouring floats just below 1."""


def stream(seed: int, purpose: str, *indices: int) -> Stream:
    """The stream of one purpose: the same arguments give the same draws, any others unrelated ones.

    Args:
        seed: the run's seed, not negative.
        purpose: what the stream is for, such as `"selfplay"`.
        indices: which of that purpose's streams, such as iteration and block; not negative.
    """
    words = _sequence(seed, purpose, indices).generate_state(1, np.uint64)
    return words.astype(np.uint64, copy=False)  # numpy's stubs allow uint32 words too


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """numpy's generator for one purpose, derived like `stream`, for draws outside kernels."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, purpose, indices)))


def _sequence(seed: int, purpose: str, indices: tuple[int, ...]) -> np.random.SeedSequence:
    name = purpose.encode()
    # The name's length keeps a name's last letters from being read as the first indices.
    return np.random.SeedSequence(seed, spawn_key=(len(name), *name, *indices))


@kernel
def _next_bits(stream: Stream) -> np.uint64:
    stream[0] += _STEP
    bits = stream[0]
    bits = (bits ^ (bits >> _30)) * _MIX_A
    bits = (bits ^ (bits >> _27)) * _MIX_B
    return bits ^ (bits >> _31)


@kernel
def uniform(stream: Stream) -> float:
    """A number from [0, 1), with 53 random bits."""
    return np.int64(_next_bits(stream) >> _11) * _UNIT


@kernel
def below(stream: Stream, bound: int) -> int:
    """An integer from 0 to `bound - 1`, for a bound of at least 1.

    The probabilities differ by less than `bound / 2**53`, and the product stays below `bound`:
    the largest draw, `1 - 2**-53`, times any integer rounds down.
    """
    return int(uniform(stream) * bound)


@kernel
def shuffle(stream: Stream, items: npt.NDArray[np.int64]) -> None:
    """Bring `items` into a uniformly random order, in place."""
    for last in range(len(items) - 1, 0, -1):
        other = below(stream, last + 1)
        items[last], items[other] = items[other], items[last]


@kernel
def normal(stream: Stream) -> float:
    """A standard normal number (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(stream)))
    return radius * np.cos(2.0 * np.pi * uniform(stream))


@kernel
def gamma(stream: Stream, shape: float) -> float:
    """A gamma number of scale 1, for any positive shape (Marsaglia and Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = (1.0 - uniform(stream)) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        x = normal(stream)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and np.log(1.0 - uniform(stream)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return boost * d * v


@kernel
def gumbel(stream: Stream) -> float:
    """A standard Gumbel number."""
    waited = -np.log(1.0 - uniform(stream))
    return -np.log(max(waited, _UNIT))  # a draw of 0 has no logarithm
