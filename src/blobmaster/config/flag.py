"""A command-line flag of a setting, declared in the setting's own annotation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """The flag of `blobmaster train` that sets a key: `Annotated[int, Meta(ge=1), Flag("--n")]`.

    Its help is the first sentence of the key's docstring, its range that of the `Meta`.
    A flag of a boolean key takes no value and switches the key on.
    """

    name: str
    """With the dashes: `--iterations`."""

    aliases: tuple[str, ...] = ()
    """Older names that are still accepted."""
