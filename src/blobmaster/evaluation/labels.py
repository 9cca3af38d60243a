"""Distinct names for players whose files have one name, such as checkpoints of two runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from blobmaster.agents.names import PlayerName
from blobmaster.run.files.layout import RunLayout

LONGEST: Final = 60
"""Most characters of the folder in a name; a longer one is shortened in its middle."""

_IN_A_RUN: Final = (RunLayout(Path()).permanent.name, RunLayout(Path()).cache.name)


def with_distinct_texts(players: Sequence[PlayerName]) -> tuple[PlayerName, ...]:
    """Return the players in their order, each with a text that no other has.

    Where files share a name, the folder in which they differ precedes it: `run1/…/X` and
    `run2/…/X` for `run1/permanent/X.pth` and `run2/permanent/X.pth`.

    Raises:
        ValueError: a player is named twice; the message is one line.
    """
    texts = [player.text for player in players]
    found = list(players)
    for text in dict.fromkeys(texts):
        numbers = [number for number, other in enumerate(texts) if other == text]
        if len(numbers) > 1:
            made = _relabelled([players[number] for number in numbers])
            for number, player in zip(numbers, made, strict=True):
                found[number] = player
    texts = [player.text for player in found]
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(f"{text} is named twice: leave one out, or rename a file")
    return tuple(found)


def _relabelled(players: Sequence[PlayerName]) -> Iterator[PlayerName]:
    """Put a folder before the text of each player that has a file."""
    files = [_absolute(player.path) for player in players if player.path != Path()]
    labels = dict(zip(files, _folder_labels(files), strict=True))
    for player in players:
        # A player without a file has its name from the registry, and keeps it.
        folder = labels.get(_absolute(player.path), "")
        yield replace(player, text=folder + player.text)


def _folder_labels(files: Sequence[Path]) -> list[str]:
    """Return the shortest part of each file's folder in which the files differ."""
    # The folder that a person chose tells more than the one that every run has.
    runs = [_without_own_folders(file.parent) for file in files]
    tells = len(set(runs)) == len(set(files))
    folders = runs if tells else [file.parent for file in files]
    parts = [folder.parts for folder in folders]
    # Alone, a folder at one depth may do; with three runs in two places, it takes a path.
    ways = [
        *(slice(-depth, -depth + 1 or None) for depth in range(1, min(map(len, parts)) + 1)),
        *(slice(-depth, None) for depth in range(2, max(map(len, parts)) + 1)),
    ]
    for way in ways:
        if len({each[way] for each in parts}) == len(set(files)):
            break
    return [
        _label(str(Path(*each[way])), is_parent=way.stop is None and folder == file.parent)
        for each, folder, file in zip(parts, folders, files, strict=True)
    ]


def _label(folder: str, *, is_parent: bool) -> str:
    printed = "".join(letter if letter.isprintable() else "?" for letter in folder).rstrip("/")
    if len(printed) > LONGEST:
        half = LONGEST // 2
        printed = f"{printed[:half]}…{printed[-half:]}"
    return f"{printed}/" if is_parent else f"{printed}/…/"


def _without_own_folders(folder: Path) -> Path:
    """Return the run directory, if this is a run's own folder for its checkpoints."""
    return folder.parent if folder.name in _IN_A_RUN else folder


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links to other names)
