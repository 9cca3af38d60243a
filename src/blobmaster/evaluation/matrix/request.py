"""Validates the arguments of `blobmaster evaluate --matrix`, before numpy or torch is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blobmaster.agents.names import PlayerName, checkpoint_player, parse_player
from blobmaster.cluster.backend import THREADS, PlayBackend
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.request import table_settings
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.output_file import output_problem

FIXED: Final = ("random", "heuristic")
"""The fixed players if none is named."""
FIRST_LINES: Final = "<!DOCTYPE html>\n<!-- made by blobmaster evaluate --matrix -->\n"
"""First lines of every heat map; a file without them is none and is never replaced."""


@dataclass(frozen=True)
class MatrixRequest:
    """A validated request for a matrix."""

    run: Path
    players: tuple[PlayerName, ...]
    """The fixed players, then the checkpoints, oldest first."""
    left_out: int
    """Rated checkpoints that have no room."""
    settings: RatingSettings
    seed: int
    workers: int
    device: str
    as_json: bool
    output: Path | None
    """The file of the heat map."""
    backend: PlayBackend = THREADS


def parse_matrix(
    run: Path,
    against: Sequence[str],
    *,
    players: int,
    cards: int,
    deals: int,
    seed: int,
    workers: int,
    device: str,
    as_json: bool,
    most: int,
    output: Path | None,
    backend: PlayBackend = THREADS,
) -> MatrixRequest:
    """Validate the arguments of the command line.

    Raises:
        ValueError: an argument is invalid; the message is one line.
    """
    settings = table_settings(players, cards, deals)
    found, left_out = players_of(run, against, most)
    fault = None if output is None else output_problem(output, FIRST_LINES)
    if fault is not None:
        raise ValueError(fault)
    return MatrixRequest(
        run, tuple(found), left_out, settings, seed, workers, device, as_json, output, backend
    )


def players_of(run: Path, against: Sequence[str], most: int) -> tuple[list[PlayerName], int]:
    """Return the players of a run's matrix, and how many rated checkpoints are left out.

    Raises:
        ValueError: the folder has no rated checkpoint, or two players have one name; one line.
    """
    if not run.is_dir():
        raise ValueError(f"there is no folder {run}: --matrix takes a run directory")
    entries = CheckpointStore(RunLayout(run)).entries()
    rated = [entry.path for entry in entries if entry.permanent and entry.name.elo is not None]
    if not rated:
        raise ValueError(f"{run} has no rated checkpoint: name the directory of a run with ratings")
    chosen = evenly_spaced(rated, most)
    named = [*map(parse_player, against or FIXED), *(checkpoint_player(p, None) for p in chosen)]
    texts = [player.text for player in named]
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(f"two players would be called {text}: name others")
    return named, len(rated) - len(chosen)


def evenly_spaced(paths: Sequence[Path], most: int) -> list[Path]:
    """Return at most `most` of the paths (at least 2), with the first and the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[round(n * (len(paths) - 1) / (most - 1))] for n in range(most)]
