"""Searches on the command line: `3x35`, `3x35:gumbel`, `10x10:exploration=0.5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from blobmaster.config.search import SearchSettings

VARIANTS: Final[dict[str, dict[str, str]]] = {
    "puct": {"root": "puct"},
    "gumbel": {"root": "gumbel"},
    "each": {"tree": "each"},
    "shared": {"tree": "shared"},
    "solved": {"solve_tricks": "2"},
}
"""Words that may follow worlds and simulations, and the settings that each one changes."""

HELP: Final = f"3x35, optionally followed by :{', :'.join(VARIANTS)} or :SETTING=VALUE"
PATTERN: Final = r"\d+[x×]\d+(?::[a-z_]+(?:=[\w.-]+)?)*"
"""Regular expression of a search."""


@dataclass(frozen=True)
class SearchSpec:
    """A requested search: the settings that it changes."""

    text: str
    """Display name: `3×35:gumbel`."""
    changes: tuple[tuple[str, Any], ...]

    def over(self, settings: SearchSettings) -> SearchSettings:
        """Return `settings` with these changes."""
        return msgspec.structs.replace(settings, **dict(self.changes))


def parse_search(text: str) -> SearchSpec:
    """Parse a search such as `3x35:gumbel`.

    Raises:
        ValueError: the text is no search, or a number is out of range; one line.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"a search is worlds by simulations, such as {HELP}, not {text!r}")
    size, *variants = text.replace("×", "x").split(":")
    worlds, simulations = size.split("x")
    changes = {"worlds": worlds, "simulations": simulations}
    for variant in variants:
        name, _, value = variant.partition("=")
        if not value and name not in VARIANTS:
            raise ValueError(f"search {text}: there is no {name!r}; a search is such as {HELP}")
        changes |= {name: value} if value else VARIANTS[name]
    try:
        # Not strict: the words of a command line are strings, which become the numbers
        # and flags of the settings.
        settings = msgspec.convert(changes, SearchSettings, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"search {text}: {_one_line(error)}") from None
    chosen = tuple((name, getattr(settings, name)) for name in changes)
    return SearchSpec(text.replace("x", "×", 1), chosen)


def _one_line(error: msgspec.ValidationError) -> str:
    return str(error).replace("Object contains unknown field", "there is no setting")
