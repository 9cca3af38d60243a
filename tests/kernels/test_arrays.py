"""The loops over arrays that kernels use instead of numpy's operations."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from blobmaster.kernels.arrays import copy_row, count_at_most, first_largest, largest
from blobmaster.kernels.compile import kernel

numbers = st.lists(st.integers(-5, 5), min_size=1, max_size=20).map(np.array)


@kernel
def copied(source, target):
    copy_row(source, target)


@kernel
def facts(values, count, bound):
    return largest(values, count), first_largest(values, count), count_at_most(values, bound)


@given(numbers, st.data())
def test_the_largest_value_and_its_place_are_numpys(values, data):
    count = data.draw(st.integers(1, len(values)))
    most, place, _ = facts(values, count, 0)
    assert (most, place) == (values[:count].max(), values[:count].argmax())


@given(numbers, st.integers(-6, 6))
def test_values_at_most_a_bound_are_counted_as_by_searchsorted(values, bound):
    ascending = np.sort(values)
    assert facts(ascending, 1, bound)[2] == np.searchsorted(ascending, bound, side="right")


@given(numbers)
def test_a_copied_row_is_converted_to_the_targets_type(values):
    target = np.full(len(values), 0.5)
    copied(values, target)
    assert target.tolist() == values.tolist()
