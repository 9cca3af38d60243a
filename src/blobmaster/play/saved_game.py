"""Saved games: one small file per game, replaced at every move and deleted at the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from blobmaster.play.game import Game, Setup, deal_next, take_action
from blobmaster.run.checkpoints.store import CheckpointMeta
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic

SCHEMA: Final = 1
MOST_BYTES: Final = 1 << 20
"""Largest file that is read; real ones are far smaller."""


class SaveError(RunError):
    """A saved game is missing, damaged or of another version; `str()` is one line."""


class Opponent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The checkpoint of a game; its identity reveals whether the file was replaced."""

    path: str
    """Absolute path; a `file:` address if it is not UTF-8, which JSON cannot hold."""
    run_id: str
    iteration: int
    """0-based."""
    saved_at: float
    """When the checkpoint was written, epoch seconds."""
    search: str | None
    """The search as typed: `3×35`, `none`, or None for the checkpoint's own setting."""

    def matches(self, meta: CheckpointMeta) -> bool:
        """Return True if a checkpoint is the one with which the game began."""
        mine = (self.run_id, self.iteration, self.saved_at)
        return mine == (meta.identity.run_id, meta.iteration, meta.saved_at)


def path_to_text(path: Path) -> str:
    """Return a path as `Opponent.path` holds it."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return path.as_uri()
    return str(path)


def path_from_text(text: str) -> Path:
    """Return the path that `path_to_text` made a text of."""
    if text.startswith("file:///"):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix("file://"))))
    return Path(text)


class SavedGame(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a saved game's JSON file."""

    schema: int = SCHEMA
    saved_at: float
    """Epoch seconds."""
    opponent: Opponent
    setup: Setup
    rounds: tuple[tuple[int, ...], ...]


class GameFile:
    """Writes the file of one game; thread-safe."""

    def __init__(self, path: Path, opponent: Opponent) -> None:
        self.path = path
        self._opponent = opponent
        self._kept: Game | None = None
        self._lock = threading.Lock()

    def save(self, game: Game) -> None:
        """Write the game unless the file already holds it.

        Raises:
            OSError: the game cannot be written; the file is unchanged.
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

    def delete(self) -> None:
        """Delete the file of a finished game."""
        with self._lock:
            atomic.discard(self.path)


def folder(environment: Mapping[str, str]) -> Path:
    """Return `$XDG_STATE_HOME/blobmaster/games`; the default state folder is `~/.local/state`.

    Raises:
        SaveError: the user has no home folder.
    """
    state = Path(environment.get("XDG_STATE_HOME", ""))
    # The XDG base directory specification says to ignore paths that are not absolute.
    if not state.is_absolute():
        try:
            state = Path.home() / ".local" / "state"
        except RuntimeError:  # no HOME, and the uid has no name
            raise SaveError(
                "there is no home folder to save the game in: set HOME, or name a file with --saved"
            ) from None
    return state / "blobmaster/games"


def new_path(games_folder: Path, seed: int) -> Path:
    """Return a file name for a new game."""
    return games_folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}.json"


def newest(games_folder: Path) -> tuple[Path, SavedGame]:
    """Return the most recently saved game, skipping files that cannot be read.

    Raises:
        SaveError: there is no readable saved game.
    """
    readable: list[tuple[float, Path, SavedGame]] = []
    fault = None
    for path in sorted(games_folder.glob("*.json")):
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
        f"there is no saved game in {games_folder}: start one with blobmaster play CHECKPOINT"
    )


def read(path: Path) -> SavedGame:
    """Read a saved game.

    Raises:
        SaveError: the file cannot be read, is damaged or has another schema.
    """
    try:
        if path.exists() and not path.is_file():  # to open a fifo would wait for a writer
            raise SaveError(f"{path} is not a regular file: name another --saved file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # one more byte tells that the file is larger
        if len(data) > MOST_BYTES:
            raise SaveError(f"{path} is too large for a saved game: name another --saved file")
        # Read the schema alone first, so that a newer file gives a clear message and not an error
        # about unknown fields.
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema != SCHEMA:
            raise SaveError(f"{path} has schema {schema}, but this version reads {SCHEMA}")
        return msgspec.json.decode(data, type=SavedGame)
    except OSError as error:
        raise SaveError(f"cannot read the saved game {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise SaveError(
            f"{path} is not a saved game, or it is damaged: name another --saved file, or remove "
            "it if it was one"
        ) from None


def game_of(saved: SavedGame, path: Path) -> Game:
    """Rebuild the game by replaying its actions, checking each against the rules.

    Raises:
        SaveError: an action is illegal.
    """
    game = Game(saved.setup)
    try:
        for number, actions in enumerate(saved.rounds):
            if number > 0:
                game = deal_next(game)
            for action in actions:
                game = take_action(game, action)
    except ValueError:
        raise SaveError(f"{path} holds moves that the rules forbid: remove the file") from None
    return game


class _Schema(msgspec.Struct):
    schema: int
