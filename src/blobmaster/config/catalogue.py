"""A catalogue of all settings, read from their declarations in this package.

Everything that lists settings follows from it: the flags of `blobmaster train`, the command
`blobmaster settings` and `docs/settings.md`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from blobmaster.config.compose import RENAMED, UNCHANGEABLE
from blobmaster.config.config import Config
from blobmaster.config.flag import Flag

_COMPARISONS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_TYPE_NAMES = {int: "integer", float: "number", bool: "true or false", str: "text"}


@dataclass(frozen=True)
class Setting:
    """One key of the TOML file, as declared."""

    table: str
    key: str
    type: Any
    """Its Python type, without annotations: `int`, `float`, `bool`, a `Literal` or a `dict`."""
    range: str
    """The limits of a number, such as `>= 0, < 1`; empty where there are none."""
    default: Any
    """A value as in JSON: the keys of dictionaries are strings."""
    meaning: str
    """The key's docstring on one line."""
    flag: Flag | None
    """The flag of `blobmaster train` that sets it, if it has one."""
    former_names: tuple[str, ...]
    """Older names of the key that still load."""
    is_fixed: bool
    """True if a resumed run cannot change it."""

    @property
    def name(self) -> str:
        """Table and key: `run.iterations`."""
        return f"{self.table}.{self.key}"

    @property
    def summary(self) -> str:
        """The first sentence of the meaning."""
        return self.meaning.split(". ")[0].rstrip(".") + "."

    @property
    def flag_help(self) -> str:
        """The help of the flag."""
        return self.flag.help if self.flag is not None and self.flag.help else self.summary

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a setting that is one of some words; else empty."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def values(self) -> str:
        """The allowed values in words: `integer >= 1`, or the choices."""
        if self.choices:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        if get_origin(self.type) is dict:
            # Shares are by number of players or cards; weights are by name.
            return "table of shares" if get_args(self.type)[0] is int else "table of weights"
        return f"{_TYPE_NAMES[self.type]} {self.range}".strip()


@dataclass(frozen=True)
class Table:
    """A table of the TOML file with its settings in the order of their declaration."""

    name: str
    meaning: str
    """The first line of the docstring of its class."""
    settings: tuple[Setting, ...]


@cache
def tables() -> tuple[Table, ...]:
    """Return all tables, in the order of the TOML file."""
    defaults = msgspec.to_builtins(Config(), str_keys=True)
    types = get_type_hints(Config)
    return tuple(
        Table(name, _first_line(types[name]), tuple(_settings(name, types[name], defaults[name])))
        for name in Config.__struct_fields__
    )


def all_settings() -> Iterator[Setting]:
    """Yield every setting, table by table."""
    for table in tables():
        yield from table.settings


def _settings(table: str, owner: type, defaults: dict[str, Any]) -> Iterator[Setting]:
    meanings = _attribute_docstrings(owner)
    renamed = RENAMED.get(table, {})
    for key, hint in get_type_hints(owner, include_extras=True).items():
        annotations = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        yield Setting(
            table=table,
            key=key,
            type=get_args(hint)[0] if annotations else hint,
            range=", ".join(_limits(annotations)),
            default=defaults[key],
            meaning=meanings.get(key, ""),
            flag=next((item for item in annotations if isinstance(item, Flag)), None),
            former_names=tuple(old for old, new in renamed.items() if new == key),
            is_fixed=(table, key) in UNCHANGEABLE,
        )


def _limits(annotations: tuple[Any, ...]) -> Iterator[str]:
    for meta in annotations:
        if isinstance(meta, msgspec.Meta):
            for attribute, sign in _COMPARISONS.items():
                limit = getattr(meta, attribute)
                if limit is not None:
                    yield f"{sign} {limit}"


def _attribute_docstrings(owner: type) -> dict[str, str]:
    """Return the strings below the fields of a class, by field, each on one line.

    Python keeps no attribute docstrings at run time, so they are read from the source. Tools such
    as Sphinx and tyro do the same.
    """
    (definition,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(below.value.value).split())
    return found


def _first_line(owner: type) -> str:
    return inspect.cleandoc(owner.__doc__ or "").splitlines()[0]
