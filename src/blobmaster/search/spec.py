"""Searches on the command line: `belief:256`, `3x35`, `3x35:gumbel`, `10x10:exploration=0.5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from blobmaster.config.belief import USUAL_SHARE, BeliefSettings
from blobmaster.config.refusals import name_not_finite, reworded
from blobmaster.config.search import SearchSettings

VARIANTS: Final[dict[str, dict[str, str]]] = {
    "puct": {"root": "puct"},
    "gumbel": {"root": "gumbel"},
    "each": {"tree": "each"},
    "shared": {"tree": "shared"},
    "solved": {"solve_tricks": "2"},
}
"""Words that may follow worlds and simulations, and the settings that each one changes."""

BELIEF: Final = "belief"
"""The word before the number of worlds of a belief-weighted lookahead."""

BELIEF_VARIANTS: Final[dict[str, dict[str, str]]] = {
    "rollouts": {"rollouts": "true"},
    "styles": {"styles": str(USUAL_SHARE)},
}
"""As `VARIANTS`, for a belief-weighted lookahead."""

HELP: Final = (
    f"3x35, optionally followed by :{', :'.join(VARIANTS)} or :SETTING=VALUE, or {BELIEF}:256, "
    f"optionally followed by :{', :'.join(BELIEF_VARIANTS)} or :SETTING=VALUE"
)
PATTERN: Final = rf"(?:\d+[x×]\d+|{BELIEF}:\d+)(?::[a-z_]+(?:=[\w.-]+)?)*"
"""Regular expression of a search."""

Settings = TypeVar("Settings", SearchSettings, BeliefSettings)


@dataclass(frozen=True)
class SearchSpec:
    """A requested search: the settings that it changes, or a belief-weighted lookahead."""

    text: str
    """Display name: `3×35:gumbel`."""
    changes: tuple[tuple[str, Any], ...]
    belief: BeliefSettings | None = None
    """The settings of a belief-weighted lookahead; None for a determinized tree search."""

    def over(self, settings: SearchSettings) -> SearchSettings:
        """Return `settings` with these changes."""
        return msgspec.structs.replace(settings, **dict(self.changes))


def parse_search(text: str) -> SearchSpec:
    """Parse a search such as `3x35:gumbel` or `belief:256`.

    Raises:
        ValueError: the text is no search, or a number is out of range; one line.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"a search is worlds by simulations, such as {HELP}, not {text!r}")
    if text.startswith(f"{BELIEF}:"):
        _, worlds, *variants = text.split(":")
        changes = _changes(text, {"worlds": worlds}, variants, BELIEF_VARIANTS)
        return SearchSpec(text, (), _convert(text, changes, BeliefSettings))
    size, *variants = text.replace("×", "x").split(":")
    worlds, simulations = size.split("x")
    changes = {"worlds": worlds, "simulations": simulations}
    changes = _changes(text, changes, variants, VARIANTS)
    settings = _convert(text, changes, SearchSettings)
    chosen = tuple((name, getattr(settings, name)) for name in changes)
    return SearchSpec(text.replace("x", "×", 1), chosen)


def _changes(
    text: str, size: dict[str, str], variants: list[str], known: dict[str, dict[str, str]]
) -> dict[str, str]:
    """Return the size with the settings that the variants change."""
    changes = dict(size)
    for variant in variants:
        name, _, value = variant.partition("=")
        if not value and name not in known:
            raise ValueError(f"search {text}: there is no {name!r}; a search is such as {HELP}")
        changes |= {name: value} if value else known[name]
    return changes


def _convert(text: str, changes: dict[str, str], settings: type[Settings]) -> Settings:
    try:
        # Not strict: the words of a command line are strings, which become the numbers
        # and flags of the settings.
        made = msgspec.convert(changes, settings, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"search {text}: {reworded(error, settings)}") from None
    if (fault := name_not_finite(msgspec.structs.asdict(made))) is not None:
        raise ValueError(f"search {text}: {fault}")
    return made
