"""Rewords what msgspec says of a refused value: first the setting, then what may be written."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

_FORM = re.compile(r"(?P<what>.*?)(?: - at `(?:key` in `)?\$\.?(?P<path>[^`]*)`)?")
"""msgspec's message and the place in the data: `$.search.worlds`, or `key` in `$.rounds.players`
for a key of a dictionary."""


def reworded(error: msgspec.ValidationError, owner: type[msgspec.Struct]) -> str:
    """Return in one line what is wrong with a value for `owner`.

    Args:
        error: msgspec refused the value.
        owner: the struct that was to be made; its field names begin the paths of the result.
    """
    found = _FORM.fullmatch(" ".join(str(error).split()))
    assert found is not None  # it matches every line
    what, path = found["what"], (found["path"] or "").replace("[...]", "")
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return _unknown(unknown[1], path, owner)
    if wrong := re.fullmatch(r"Invalid enum value (.*)", what):
        return f"{path}: there is no {wrong[1]}; choose among {', '.join(_choices(path, owner))}"
    if what.startswith("Expected `"):
        # A JSON object is a table in TOML.
        return f"{path}: {what.replace('`object`', 'a table').replace('Expected', 'expected', 1)}"
    return what  # written by a struct's own check, and names its settings


def name_not_finite(values: Mapping[str, Any]) -> str | None:
    """Return the key of a number that is infinite or none, with the number; None if all are finite.

    TOML and command lines can say `nan` and `inf`. JSON cannot: it would say `null`, and msgspec's
    limits would let infinity pass.
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            if (
                found := name_not_finite({str(inner): value[inner] for inner in value})
            ) is not None:
                return f"{key}.{found}"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{key} is {value}: write a finite number"
    return None


def _unknown(name: str, path: str, owner: type[msgspec.Struct]) -> str:
    table = _type_at(path, owner)
    line = f"there is no setting `{name}`" + (f" in `{path}`" if path else "")
    near = difflib.get_close_matches(name, _names(table), 1)
    if near:
        return f"{line}: did you mean `{near[0]}`?"
    elsewhere = [other for other in _names(owner) if name in _names(_type_at(other, owner))]
    if elsewhere and table is not owner:
        return f"{line}: it belongs to `{elsewhere[0]}`"
    return f"{line}; choose among {', '.join(_names(table))}"


def _choices(path: str, owner: type[msgspec.Struct]) -> Iterable[str]:
    hint = _type_at(path, owner)
    if get_origin(hint) is dict:  # a word among its keys
        hint = get_args(hint)[0]
    assert get_origin(hint) is Literal
    return map(str, get_args(hint))


def _type_at(path: str, owner: Any) -> Any:
    """Return the type of the field at a path such as `search.root`."""
    for name in filter(None, path.split(".")):
        owner = get_type_hints(owner)[name]
    return owner


def _names(table: Any) -> tuple[str, ...]:
    return getattr(table, "__struct_fields__", ())
