"""Operations on one-dimensional arrays for kernels, as loops.

numpy's own compile slowly inside kernels: for `a[:] = b` numba compiles the text of an error about
shapes, 70 functions of strings and tuples. Loops give the same machine code.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from blobmaster.kernels.compile import inner_kernel


@inner_kernel
def copy_row(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """Copy `source` to `target`, which is of equal length."""
    for i in range(len(target)):
        target[i] = source[i]


@inner_kernel
def largest(values: npt.NDArray[Any], count: int) -> Any:
    """Return the largest of the first `count` values; there is at least one, and no NaN."""
    return values[first_largest(values, count)]


@inner_kernel
def first_largest(values: npt.NDArray[Any], count: int) -> int:
    """Return the index of the largest of the first `count` values, the first one of a tie."""
    best = 0
    for i in range(1, count):
        if values[i] > values[best]:
            best = i
    return best


@inner_kernel
def count_at_most(ascending: npt.NDArray[Any], bound: int) -> int:
    """Return how many values of a sorted array are at most `bound`, by bisection."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low
