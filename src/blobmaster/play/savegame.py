"""Games that were left: one small file each, written whole at every move, removed when finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from blobmaster.play.game import Game, Setup, act, deal_next
from blobmaster.run.checkpoints.store import CheckpointMeta
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic

SCHEMA: Final = 1
MOST_BYTES: Final = 1 << 20
"""No game comes near it; a larger file is not read."""


class SaveError(RunError):
    """A saved game is missing, damaged or of another version; `str()` is one line."""


class Opponent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the game is played against, so that a changed checkpoint is noticed."""

    path: str
    """Absolute."""
    run_id: str
    iteration: int
    """0-based."""
    saved_at: float
    """When the checkpoint was written, epoch seconds."""
    search: str | None
    """`3×35`, `none`, or None for the checkpoint's own setting: as it was asked for."""

    def is_of(self, meta: CheckpointMeta) -> bool:
        """Whether a checkpoint is still the one that the game began with."""
        mine = (self.run_id, self.iteration, self.saved_at)
        return mine == (meta.identity.run_id, meta.iteration, meta.saved_at)


class SavedGame(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a saved game's file, JSON."""

    schema: int = SCHEMA
    saved_at: float
    """Epoch seconds."""
    opponent: Opponent
    setup: Setup
    rounds: tuple[tuple[int, ...], ...]


class Keeper:
    """Keeps one game's file current; any thread may call it."""

    def __init__(self, path: Path, opponent: Opponent) -> None:
        self.path = path
        self._opponent = opponent
        self._kept: Game | None = None
        self._lock = threading.Lock()

    def keep(self, game: Game) -> None:
        """Write the game, unless that is what the file holds.

        Raises:
            OSError: it cannot be written; the file holds what it held.
        """
        with self._lock:
            if game == self._kept:
                return
            saved = SavedGame(
                saved_at=time.time(), opponent=self._opponent, setup=game.setup, rounds=game.rounds
            )
            atomic.make_folder(self.path.parent)
            atomic.replace(self.path, msgspec.json.encode(saved) + b"\n")
            self._kept = game

    def forget(self) -> None:
        """Remove the file: the game is finished."""
        with self._lock:
            atomic.discard(self.path)


def folder(environment: Mapping[str, str]) -> Path:
    """Where games are kept: `$XDG_STATE_HOME/blobmaster/games`, `~/.local/state` by default."""
    state = Path(environment.get("XDG_STATE_HOME", ""))
    # The XDG base directory specification: a path that is not absolute is to be ignored.
    return (state if state.is_absolute() else Path.home() / ".local" / "state") / (
        "blobmaster/games"
    )


def new_path(kept_in: Path, seed: int) -> Path:
    """A file for a game that begins now."""
    return kept_in / f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}.json"


def newest(kept_in: Path) -> tuple[Path, SavedGame]:
    """The game that was saved last, of those that can be read.

    Raises:
        SaveError: there is none.
    """
    readable: list[tuple[float, Path, SavedGame]] = []
    fault = None
    for path in sorted(kept_in.glob("*.json")):
        try:
            saved = read(path)
        except SaveError as error:
            fault = error
        else:
            readable.append((saved.saved_at, path, saved))
    if readable:
        _, path, saved = max(readable, key=lambda found: found[:2])
        return path, saved
    if fault is not None:
        raise fault
    raise SaveError(
        f"there is no saved game in {kept_in}: begin one with blobmaster play CHECKPOINT"
    )


def read(path: Path) -> SavedGame:
    """Read a saved game.

    Raises:
        SaveError: it cannot be read, or is of another version.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise SaveError(f"{path} is too large for a saved game: name another --saved file")
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != SCHEMA:
            raise SaveError(f"{path} has schema {schema}, this version reads {SCHEMA}")
        return msgspec.json.decode(data, type=SavedGame)
    except OSError as error:
        raise SaveError(f"cannot read the saved game {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise SaveError(f"{path} is no saved game, or a damaged one: remove it") from None


def game_of(saved: SavedGame, path: Path) -> Game:
    """The game as it was left, every action judged by the rules again.

    Raises:
        SaveError: it could not have come about by the rules.
    """
    game = Game(saved.setup)
    try:
        for number, actions in enumerate(saved.rounds):
            if number > 0:
                game = deal_next(game)
            for action in actions:
                game = act(game, action)
    except ValueError:
        raise SaveError(f"{path} holds moves that the rules forbid: remove it") from None
    return game


class _Schema(msgspec.Struct):
    schema: int
