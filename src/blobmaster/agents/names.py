"""What players are called on the command line, understood before anything heavy is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import msgspec

from blobmaster.config.inference import NumberFormat
from blobmaster.search.spec import PATTERN, SearchSpec, parse_search

Fixed = Literal["random", "heuristic", "untrained"]
Counted = Literal["rollout", "ismcts", "peeking-ismcts", "openspiel-ismcts"]
Kind = Fixed | Counted | Literal["checkpoint"]

HELP = (
    "random, heuristic, untrained (the checkpoint's network before training), rollout-N, ismcts-N, "
    "peeking-ismcts-N (sees which cards were not dealt), openspiel-ismcts-N, with N simulations "
    "a decision, or a checkpoint: PATH plays without search, PATH:3x35 searches 3 worlds by 35, "
    "PATH:3x35:gumbel in another way; PATH:bf16, PATH:3x35:int8 .. in that number format"
)


@dataclass(frozen=True)
class PlayerName:
    """A player that somebody asked for."""

    text: str
    """How it is shown: as it was typed, without a checkpoint's folder."""
    kind: Kind
    simulations: int = 0
    """Of a decision, where the kind counts them."""
    path: Path = Path()
    """Of a checkpoint."""
    search: SearchSpec | None = None
    """Of a checkpoint that searches."""
    number_format: NumberFormat = "fp32"
    """What a checkpoint's network is evaluated in."""


def parse_player(text: str) -> PlayerName:
    """Understand a player's name.

    Raises:
        ValueError: there is no such player; one line that lists which there are.
    """
    for fixed in get_args(Fixed):
        if text == fixed:
            return PlayerName(text, fixed)
    for counted in get_args(Counted):
        if found := re.fullmatch(rf"{counted}-(\d+)", text):
            return _counted(text, counted, int(found[1]))
    path, colon, number_format = text.rpartition(":")
    if colon and number_format in get_args(NumberFormat):
        return _in_format(parse_player(path), number_format, text)
    if found := re.fullmatch(rf"(.+?):({PATTERN})", text):
        return checkpoint_player(Path(found[1]), found[2])
    if text.endswith(".pth") or "/" in text or Path(text).exists():
        return checkpoint_player(Path(text), None)
    raise ValueError(f"there is no player {text!r}; there are {HELP}")


def checkpoint_player(path: Path, search: str | None) -> PlayerName:
    """The network of a checkpoint, with a search such as `3x35:gumbel` or without one.

    Raises:
        ValueError: see `parse_search`.
    """
    label = path.name.removesuffix(".pth")
    if search is None:
        return PlayerName(label, "checkpoint", path=path)
    spec = parse_search(search)
    return PlayerName(f"{label} {spec.text}", "checkpoint", path=path, search=spec)


def _in_format(player: PlayerName, number_format: str, text: str) -> PlayerName:
    if player.kind != "checkpoint":
        raise ValueError(f"{text}: only a checkpoint's network has a number format")
    return replace(
        player,
        text=f"{player.text} {number_format}",
        number_format=msgspec.convert(number_format, NumberFormat),
    )


def _counted(text: str, kind: Kind, simulations: int) -> PlayerName:
    if not 2 <= simulations <= 100_000:
        raise ValueError(f"{text}: a decision takes 2 to 100000 simulations, not {simulations}")
    return PlayerName(text, kind, simulations=simulations)
