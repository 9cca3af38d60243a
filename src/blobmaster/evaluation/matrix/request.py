"""Validates the arguments of `blobmaster evaluate --matrix`, before numpy or torch is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from blobmaster.agents.names import PlayerName, checkpoint_player, parse_player
from blobmaster.checkpoint.file import read_checkpoint
from blobmaster.cluster.backend import THREADS, PlayBackend
from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.labels import with_distinct_texts
from blobmaster.evaluation.request import table_settings
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.errors import CheckpointError
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
    """Rated checkpoints that have no room, or cannot be used."""
    unusable: tuple[str, ...]
    """For each rated checkpoint that cannot be used, the reason in one line."""
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
    fault = None if output is None else output_problem(output, FIRST_LINES)
    if fault is not None:
        raise ValueError(fault)
    found = players_of(run, against, most)
    return MatrixRequest(
        run=run,
        players=found.players,
        left_out=found.left_out,
        unusable=found.unusable,
        settings=settings,
        seed=seed,
        workers=workers,
        device=device,
        as_json=as_json,
        output=output,
        backend=backend,
    )


class RunPlayers(NamedTuple):
    """The players of a run's matrix; see `MatrixRequest`."""

    players: tuple[PlayerName, ...]
    left_out: int
    unusable: tuple[str, ...]


def players_of(run: Path, against: Sequence[str], most: int) -> RunPlayers:
    """Return the players of a run's matrix.

    Raises:
        ValueError: the folder has no rated checkpoint that can be used, or a player is named
            twice; one line.
    """
    if not run.is_dir():
        what = f"{run} is a file" if run.exists() else f"there is no folder {run}"
        raise ValueError(f"{what}: --matrix takes a run directory")
    entries = CheckpointStore(RunLayout(run)).entries()
    rated = [entry.path for entry in entries if entry.permanent and entry.name.elo is not None]
    if not rated:
        raise ValueError(f"{run} has no rated checkpoint: name the directory of a run with ratings")
    chosen, unusable = _usable(rated, most)
    if not chosen:
        raise ValueError(f"no rated checkpoint in {run} can be used; of the newest: {unusable[-1]}")
    named = [*map(parse_player, against or FIXED), *(checkpoint_player(p, None) for p in chosen)]
    return RunPlayers(with_distinct_texts(named), len(rated) - len(chosen), unusable)


def _usable(rated: Sequence[Path], most: int) -> tuple[list[Path], tuple[str, ...]]:
    """Choose evenly spaced checkpoints that are whole, and return why others are not.

    Only those chosen are read, as a long run has gigabytes of checkpoints. A damaged one is struck
    off the list, and the choice is made again.
    """
    whole: set[Path] = set()
    reasons: dict[Path, str] = {}
    while True:
        chosen = evenly_spaced([path for path in rated if path not in reasons], most)
        unread = [path for path in chosen if path not in whole]
        if not unread:
            return chosen, tuple(reasons[path] for path in rated if path in reasons)
        for path in unread:
            try:
                read_checkpoint(path)
            except CheckpointError as error:
                reasons[path] = str(error)
            else:
                whole.add(path)


def evenly_spaced(paths: Sequence[Path], most: int) -> list[Path]:
    """Return at most `most` of the paths (at least 2), with the first and the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[round(n * (len(paths) - 1) / (most - 1))] for n in range(most)]
