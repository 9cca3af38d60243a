"""Player names on the command line, parsed before numpy or torch is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import msgspec

from blobmaster.agents.registry import CHECKPOINT, OPPONENTS, SCRIPT, Opponent, opponents_help
from blobmaster.config.inference import NumberFormat
from blobmaster.search.spec import PATTERN, SearchSpec, parse_search

SIMULATIONS = range(2, 100_001)
"""The simulations per decision that a player name may ask for."""


@dataclass(frozen=True)
class PlayerName:
    """A parsed player name."""

    text: str
    """The name to display: as typed, without a file's folder and suffix."""
    kind: str
    """`Opponent.name`, `checkpoint` or `script`."""
    simulations: int = 0
    """Simulations per decision, if the kind takes them."""
    path: Path = Path()
    """The file of a checkpoint or script."""
    search: SearchSpec | None = None
    """The checkpoint's search; None plays without one."""
    number_format: NumberFormat = "fp32"
    """The number format in which the checkpoint's network is evaluated."""


def parse_player(text: str) -> PlayerName:
    """Parse a player name.

    Raises:
        ValueError: no player has that name; the message is one line that lists the players.
    """
    for opponent in OPPONENTS:
        if name := _registered(text, opponent):
            return name
    if text.endswith(".py"):
        path = Path(text)
        return PlayerName(path.stem, SCRIPT.name, path=path)
    # From the end: a path may hold colons itself, and the format is the last word of a name.
    before, colon, number_format = text.rpartition(":")
    if colon and number_format in get_args(NumberFormat):
        return _in_format(parse_player(before), number_format, text)
    if found := re.fullmatch(rf"(.+?):({PATTERN})", text):
        return checkpoint_player(Path(found[1]), found[2])
    # A missing file that looks like a path is still a checkpoint's name, so the
    # error can name the file.
    if text.endswith(".pth") or "/" in text or Path(text).exists():
        return checkpoint_player(Path(text), None)
    raise ValueError(f"there is no player {text!r}; name one of: {opponents_help()}")


def checkpoint_player(path: Path, search: str | None) -> PlayerName:
    """Name a checkpoint's player, with a search such as `3x35:gumbel` or without one (None).

    Raises:
        ValueError: see `parse_search`.
    """
    label = path.name.removesuffix(".pth")
    if search is None:
        return PlayerName(label, CHECKPOINT.name, path=path)
    spec = parse_search(search)
    return PlayerName(f"{label} {spec.text}", CHECKPOINT.name, path=path, search=spec)


def _in_format(player: PlayerName, number_format: str, text: str) -> PlayerName:
    if player.kind != CHECKPOINT.name:
        raise ValueError(f"{text}: only a checkpoint can have a number format")
    return replace(
        player,
        text=f"{player.text} {number_format}",
        number_format=msgspec.convert(number_format, NumberFormat),
    )


def _registered(text: str, opponent: Opponent) -> PlayerName | None:
    """Return the name if `text` names this opponent, else None."""
    if not opponent.takes_simulations:
        return PlayerName(text, opponent.name) if text == opponent.name else None
    found = re.fullmatch(rf"{re.escape(opponent.name)}-(\d+)", text)
    if found is None:
        return None
    simulations = int(found[1])
    if simulations not in SIMULATIONS:
        raise ValueError(
            f"{text}: a decision takes {SIMULATIONS[0]} to {SIMULATIONS[-1]} simulations, "
            f"not {simulations}"
        )
    return PlayerName(text, opponent.name, simulations=simulations)
