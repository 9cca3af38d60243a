"""A command-line flag of a setting, declared in the setting's own annotation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Flag:
    """The flag of `blobmaster train` that sets a key: `Annotated[int, Meta(ge=1), Flag("--n")]`.

    Its help is the first sentence of the key's docstring, its range that of the `Meta`.
    A flag of a boolean key takes no value and switches the key on. Several keys of a table may
    share one flag: it then has a `parse` and a help of its own.
    """

    name: str
    """With the dashes: `--iterations`."""

    aliases: tuple[str, ...] = ()
    """Older names that are still accepted."""

    parse: Callable[[str], Mapping[str, Any]] | None = None
    """Returns the table's keys that a text sets, or raises ValueError with a line that says what to
    write; None if the value is that of the one key."""

    metavar: str | None = None
    """The value in the help; None for the key's type."""

    help: str | None = None
    """The help; None for the first sentence of the key's docstring."""
