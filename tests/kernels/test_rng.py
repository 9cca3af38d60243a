"""The distributions of draws, and the independence and reproducibility of streams."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import gamma, generator, normal, stream, uniform

DRAWS = 200_000


@kernel
def many_uniform(stream, numbers):
    for i in range(len(numbers)):
        numbers[i] = uniform(stream)


@kernel
def many_normal(stream, numbers):
    for i in range(len(numbers)):
        numbers[i] = normal(stream)


@kernel
def many_gamma(stream, shape, numbers):
    for i in range(len(numbers)):
        numbers[i] = gamma(stream, shape)


def test_normal_draws_follow_the_normal_distribution():
    numbers = np.empty(DRAWS)
    many_normal(stream(1, "normal"), numbers)
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    assert abs(numbers.mean()) < 4 / DRAWS**0.5
    assert abs(numbers.var() - 1) < 4 * (2 / DRAWS) ** 0.5
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 4 / DRAWS**0.5


@pytest.mark.parametrize("shape", [0.1, 0.55, 0.999, 1.0, 1.25, 5.0, 40.0])
def test_gamma_draws_follow_the_gamma_distribution_of_their_shape(shape):
    numbers = np.empty(DRAWS)
    many_gamma(stream(2, "gamma"), shape, numbers)
    assert (numbers >= 0).all()
    assert stats.kstest(numbers, "gamma", (shape,)).pvalue > 1e-3
    assert abs(numbers.mean() - shape) < 4 * (shape / DRAWS) ** 0.5
    spread = (shape * 2 * (shape + 3) / DRAWS) ** 0.5  # the standard deviation of the variance
    assert abs(numbers.var() - shape) < 4 * spread


def test_streams_of_different_purposes_and_indices_are_uncorrelated():
    keys = [(0, "a"), (0, "b"), (1, "a"), (0, "a", 0), (0, "a", 1), (0, "a", 0, 1), (0, "a", 1, 0)]
    drawn = np.empty((len(keys), 20_000))
    for numbers, key in zip(drawn, keys, strict=True):
        many_uniform(stream(*key), numbers)
    for one, other in pairwise(drawn):
        assert not np.intersect1d(one, other).size
    correlations = np.corrcoef(drawn)[np.triu_indices(len(keys), 1)]
    assert np.abs(correlations).max() < 4 / drawn.shape[1] ** 0.5


def test_a_generator_depends_on_its_key_alone():
    def first(*key):
        return int(generator(*key).integers(2**63))

    keys = [(0, "a"), (0, "b"), (1, "a"), (0, "a", 0), (0, "a", 1), (0, "a", 0, 1), (0, "a", 1, 0)]
    assert len({first(*key) for key in keys}) == len(keys)
    assert [first(*key) for key in keys] == [first(*key) for key in keys]
    assert first(20251113, "learn", 3) == 6588238157758553425


def test_deriving_streams_does_not_move_the_global_generator():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    generator(0, "a").random()
    uniform(stream(0, "a"))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
