"""Turns a training loop's values into plain JSON."""

from typing import Any, SupportsFloat

import msgspec


def plain_json(values: dict[str, Any]) -> dict[str, Any]:
    """Convert values to JSON types; NaN, infinities and what JSON cannot hold become null."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values, enc_hook=_number))
    return plain


def _number(value: Any) -> float | None:
    """Convert a scalar of numpy or torch to a float, any other value to None."""
    try:
        return float(value) if isinstance(value, SupportsFloat) else None
    except (TypeError, ValueError, RuntimeError):  # an array of several numbers
        return None
