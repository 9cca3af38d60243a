"""Checks that a pass by torch's C functions computes what torch computes from Python.

The C functions are called by name, and a newer torch may change what they do: the products of int8
write into an argument that torch's schema calls unmodified. So a pass is compared once before its
results are used.
"""

from __future__ import annotations

import torch
from torch import Tensor

TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.02, torch.uint8: 0.1}
"""The largest deviation from float32 that rounding explains, by the type of the activations. On
networks of 16 to 1,024 units, int8 deviates by at most 0.02; a missing operation by about 1."""


class WrongResultsError(Exception):
    """A pass in int8 computes something else than its network."""


def deviation(found: Tensor, expected: Tensor) -> float:
    """Return the root mean square of the difference, relative to that of `expected`."""
    difference = (found.double() - expected.double()).square().mean().sqrt()
    size = expected.double().square().mean().sqrt()
    return float(difference / size.clamp(min=1e-12))


def is_as_expected(found: Tensor, expected: Tensor, kind: torch.dtype) -> bool:
    """Return True if rounding in the type `kind` explains the deviation; a NaN never does."""
    return deviation(found, expected) <= TOLERANCE[kind]
