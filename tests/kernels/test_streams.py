"""Random streams: SplitMix64's own numbers, one stream a key, even draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, gamma, gumbel, shuffle, stream, uniform

# The first outputs for seed 0 of the authors' reference program, splitmix64.c.
FIRST_OUTPUTS = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]


def test_draws_are_the_reference_programs():
    state = np.zeros(1, np.uint64)
    drawn = [uniform(state) for _ in FIRST_OUTPUTS]
    assert drawn == [(bits >> 11) * 2.0**-53 for bits in FIRST_OUTPUTS]


KEYS = [
    (0, "deal"),
    (1, "deal"),
    (0, "deals"),
    (0, "deal", 0),
    (0, "deal", 1),
    (0, "deal", 0, 0),
    (0, "deal", ord("s")),
    (0, "a", 0, 1),
    (0, "a", 1, 0),
    (2**40, "deal"),
]


def test_each_key_has_a_stream_of_its_own_and_always_the_same():
    states = [int(stream(*key)[0]) for key in KEYS]
    assert len(set(states)) == len(KEYS)
    assert states == [int(stream(*key)[0]) for key in KEYS]


def test_a_stream_is_the_same_on_every_machine():
    assert int(stream(20251113, "selfplay", 4, 7)[0]) == 6829277613546777574


@kernel
def count_below(stream, bound, draws):
    counts = np.zeros(bound, np.int64)
    for _ in range(draws):
        counts[below(stream, bound)] += 1
    return counts


@pytest.mark.parametrize("bound", [2, 3, 7, 18, 52])
def test_every_number_below_a_bound_is_drawn_as_often(bound):
    counts = count_below(stream(1, "below", bound), bound, 1_000_000)
    assert len(counts) == bound
    assert chisquare(counts).pvalue > 1e-4


@given(st.integers(1, 2**40))
def test_the_largest_draw_stays_below_the_bound(bound):
    assert int((1 - 2.0**-53) * bound) == bound - 1


@kernel
def count_orders(stream, draws):
    counts = np.zeros((4, 4, 4), np.int64)
    items = np.empty(4, np.int64)
    for _ in range(draws):
        items[:] = [0, 1, 2, 3]
        shuffle(stream, items)
        counts[items[0], items[1], items[2]] += 1
    return counts


def test_a_shuffle_brings_every_order_as_often():
    counts = count_orders(stream(1, "shuffle"), 240_000)
    assert np.count_nonzero(counts) == 24
    assert chisquare(counts[counts > 0]).pvalue > 1e-4


@kernel
def draw_gammas(stream, shape, numbers):
    for i in range(len(numbers)):
        numbers[i] = gamma(stream, shape)


@pytest.mark.parametrize("shape", [0.1, 0.6, 1.0, 1.7, 10.0])
def test_gamma_numbers_have_their_distribution(shape):
    numbers = np.empty(100_000)
    draw_gammas(stream(1, "gamma", int(10 * shape)), shape, numbers)
    assert kstest(numbers, "gamma", args=(shape,)).pvalue > 1e-4


def test_gumbel_numbers_have_their_distribution():
    draws = stream(1, "gumbel")
    numbers = [gumbel(draws) for _ in range(50_000)]
    assert kstest(numbers, "gumbel_r").pvalue > 1e-4


def test_a_gumbel_number_is_finite_even_where_the_stream_draws_zero():
    # SplitMix64 draws zero right after the state that steps to zero.
    before_zero = np.array([-0x9E3779B97F4A7C15 % 2**64], np.uint64)
    assert uniform(before_zero.copy()) == 0
    assert np.isfinite(gumbel(before_zero))
