"""Random streams for kernels: SplitMix64, with its whole state in an array.

A `np.random.Generator` passed to a kernel costs 7 µs to unbox and 34 ns per integer. SplitMix64
costs 1 ns per draw, and its state is one number: a row of an array is a stream, one per lane,
copied and compared like any data. Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.kernels.compile import inner_kernel, kernel

Stream = npt.NDArray[np.uint64]
"""`[1]`: the generator's state. Each draw changes it in place."""

# numba promotes int64 with uint64 to float64, so every number that meets the state is a uint64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53
"""The spacing of doubles just below 1."""


def stream(seed: int, purpose: str, *indices: int) -> Stream:
    """Return the stream of one purpose: equal arguments give equal draws, others unrelated ones.

    The purpose is part of the seed: renaming one changes every number drawn from it.

    Args:
        seed: the run's seed, not negative.
        purpose: what the stream is for, such as `"self-play"`.
        indices: the number of the stream within its purpose, such as iteration and block; not
            negative.
    """
    words = _sequence(seed, purpose, indices).generate_state(1, np.uint64)
    return words.astype(np.uint64, copy=False)  # numpy's stubs allow uint32 words too


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Return numpy's generator for one purpose, derived as in `stream`, for use outside kernels."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, purpose, indices)))


def _sequence(seed: int, purpose: str, indices: tuple[int, ...]) -> np.random.SeedSequence:
    name = purpose.encode()
    # Without the length, the last letters of a name could be read as the first indices: "a" with
    # index 98 would be the stream "ab".
    return np.random.SeedSequence(seed, spawn_key=(len(name), *name, *indices))


@inner_kernel
def _next_bits(stream: Stream) -> np.uint64:
    # The constants are the paper's: the golden gamma, and Stafford's mix 13.
    stream[0] += _STEP
    bits = stream[0]
    bits = (bits ^ (bits >> _30)) * _MIX_A
    bits = (bits ^ (bits >> _27)) * _MIX_B
    return bits ^ (bits >> _31)


@inner_kernel
def split(stream: Stream, child: Stream) -> None:
    """Start `child` at a number drawn from `stream`: further draws from the two are unrelated."""
    child[0] = _next_bits(stream)


@kernel
def uniform(stream: Stream) -> float:
    """Draw a number from [0, 1) with 53 random bits."""
    return np.int64(_next_bits(stream) >> _11) * _UNIT


@kernel
def below(stream: Stream, bound: int) -> int:
    """Draw an integer from 0 to `bound - 1`, for a bound of at least 1.

    Probabilities differ by less than `bound / 2**53`. The result stays below `bound`: the largest
    uniform draw, `1 - 2**-53`, times any integer rounds down.
    """
    return int(uniform(stream) * bound)


@kernel
def shuffle(stream: Stream, items: npt.NDArray[np.int64]) -> None:
    """Bring `items` into a uniformly random order, in place (Fisher and Yates)."""
    for last in range(len(items) - 1, 0, -1):
        other = below(stream, last + 1)
        items[last], items[other] = items[other], items[last]


@kernel
def normal(stream: Stream) -> float:
    """Draw a standard normal number (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(stream)))
    return radius * np.cos(2.0 * np.pi * uniform(stream))


@kernel
def gamma(stream: Stream, shape: float) -> float:
    """Draw a gamma number of scale 1, for any positive shape (Marsaglia and Tsang 2000)."""
    # Their method wants a shape of at least 1: Gamma(a) is Gamma(a + 1) × U**(1 / a).
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
    """Draw a standard Gumbel number."""
    waited = -np.log(1.0 - uniform(stream))
    return -np.log(max(waited, _UNIT))  # of a draw of 0 the logarithm is infinite
