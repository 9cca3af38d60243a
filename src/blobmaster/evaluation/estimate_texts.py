"""Estimates with their intervals as text."""

from __future__ import annotations

from typing import Protocol


class Estimate(Protocol):
    """A value with the ends of its interval."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def plain(found: Estimate) -> str:
    """Return such as `5.80 (5.51 to 6.08)`."""
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def signed(found: Estimate) -> str:
    """Return such as `+0.09 (-0.25 to +0.43)`."""
    numbers = (found.value, found.low, found.high)
    value, low, high = (round(number, 2) + 0.0 for number in numbers)  # no -0.00
    return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"


def percent(found: Estimate) -> str:
    """Return a share such as `54.2 (51.6 to 56.9)`."""
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def whole(found: Estimate) -> str:
    """Return such as `1409 (1353 to 1462)`."""
    return f"{found.value:.0f} ({found.low:.0f} to {found.high:.0f})"
