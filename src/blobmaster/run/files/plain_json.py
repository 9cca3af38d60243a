"""Turns a training loop's values into plain JSON."""

from typing import Any, SupportsFloat

import msgspec

from blobmaster.run.files.text import readable


def encode_json(value: Any) -> bytes:
    """Encode a value as JSON, also with paths that are not UTF-8: these get escapes (`\\xe9`)."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_readable(msgspec.to_builtins(value, str_keys=True)))


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {readable(key): _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return readable(value) if isinstance(value, str) else value


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
