"""`blobmaster play`: starts or resumes a game, on a full screen or line by line."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import torch
from msgspec import structs

from blobmaster.checkpoint.network import TrainedNetwork, load_trained
from blobmaster.game.cards import CARDS
from blobmaster.play import saved_game
from blobmaster.play.card_text import ASCII, UNICODE, Symbols
from blobmaster.play.game import Game, Setup, is_finished
from blobmaster.play.lines import LineInterface
from blobmaster.play.saved_game import (
    GameFile,
    Opponent,
    SaveError,
    path_from_text,
    path_to_text,
)
from blobmaster.play.table import Table, beliefs_of, check_search, seat_networks, warm_up
from blobmaster.play.view import view_of
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.text import shell_quoted
from blobmaster.terminal.screen import can_draw, shows_unicode

INTERRUPTED: Final = 130
DEFAULT_PLAYERS: Final = 4
DEFAULT_CARDS: Final = 7
LONGEST_PACE_S: Final = 3600.0
"""A key ends the wait for the next move."""


@dataclass(frozen=True, kw_only=True)
class PlayRequest:
    """The options of the command line; None for those not given."""

    checkpoint: Path | None
    players: int | None
    cards: int | None
    one_round: bool
    seat: int | None
    """1-based."""
    seed: int | None
    search: str | None
    resume: bool
    saved: Path | None
    """The file of the saved game."""
    plain: bool
    pace: float
    """Seconds for which a move is shown."""

    def __post_init__(self) -> None:
        if not 0 <= self.pace <= LONGEST_PACE_S:  # also refuses nan
            raise ValueError(
                f"--pace is {self.pace:g}: choose between 0 and {LONGEST_PACE_S:g} seconds"
            )


def run_play(command: PlayRequest) -> int:
    """Play until the game ends or the person leaves; return the exit status.

    Raises:
        ValueError: the options contradict each other, or the rules do not allow the game.
        RunError: the checkpoint or the saved game cannot be used.
    """
    check_search(command.search)
    if command.resume:
        game, path, opponent, trained = _resume_game(command)
    else:
        game, path, opponent, trained = _start_game(command)
    agent, adviser = seat_networks(trained, opponent.search)
    table = Table(
        agent=agent,
        adviser=adviser,
        beliefs=beliefs_of(trained),
        game_file=GameFile(path, opponent),
        symbols=_terminal_symbols(),
        pace=command.pace,
    )
    warm_up(table)
    if command.plain or not can_draw():
        return _play_lines(table, game)
    return _play_on_screen(table, game)


def _start_game(command: PlayRequest) -> tuple[Game, Path, Opponent, TrainedNetwork]:
    """Start a new game."""
    if command.checkpoint is None:
        raise ValueError("name a CHECKPOINT to play against, or --resume a game")
    players = DEFAULT_PLAYERS if command.players is None else command.players
    seed = secrets.randbits(32) if command.seed is None else command.seed
    setup = Setup(
        players=players,
        most_cards=min(DEFAULT_CARDS, CARDS // max(players, 1))
        if command.cards is None
        else command.cards,
        seat=seed % max(players, 1) if command.seat is None else command.seat - 1,
        seed=seed,
        one_round=command.one_round,
    )
    path = command.saved or saved_game.new_path(saved_game.folder(os.environ), seed)
    if os.path.lexists(path):
        raise SaveError(
            f"{path} exists: if it holds a game, continue it with --resume, else name another file"
        )
    trained = load_trained(command.checkpoint, torch.device("cpu"))
    return Game(setup), path, _opponent(command.checkpoint, trained, command.search), trained


def _resume_game(command: PlayRequest) -> tuple[Game, Path, Opponent, TrainedNetwork]:
    """Load a saved game, with its own checkpoint unless another one is named."""
    if (command.players, command.cards, command.seat, command.seed, command.one_round) != (
        *[None] * 4,
        False,
    ):
        raise ValueError("a game that is resumed keeps its players, cards, seat and seed")
    if command.saved is None:
        path, saved = saved_game.newest(saved_game.folder(os.environ))
    else:
        path, saved = command.saved, saved_game.read(command.saved)
    game = saved_game.game_of(saved, path)
    search = command.search or saved.opponent.search
    if command.checkpoint is not None:
        trained = load_trained(command.checkpoint, torch.device("cpu"))
        return game, path, _opponent(command.checkpoint, trained, search), trained
    return (
        game,
        path,
        structs.replace(saved.opponent, search=search),
        _load_same_network(saved.opponent),
    )


def _load_same_network(opponent: Opponent) -> TrainedNetwork:
    """Load the checkpoint of a saved game.

    Raises:
        CheckpointError: the file is gone or now holds another checkpoint.
    """
    path = path_from_text(opponent.path)
    other = "to continue against another one: blobmaster play CHECKPOINT --resume"
    if not path.exists():
        raise CheckpointError(f"the game's checkpoint {path} is gone; {other}")
    trained = load_trained(path, torch.device("cpu"))
    if not opponent.matches(trained.meta):
        raise CheckpointError(f"{path} is no longer the game's checkpoint; {other}")
    return trained


def _opponent(path: Path, trained: TrainedNetwork, search: str | None) -> Opponent:
    meta = trained.meta
    return Opponent(
        path=path_to_text(path.absolute()),
        run_id=meta.identity.run_id,
        iteration=meta.iteration,
        saved_at=meta.saved_at,
        search=search,
    )


def _terminal_symbols() -> Symbols:
    encoding = (sys.stdout.encoding or "ascii").lower()
    return UNICODE if shows_unicode() and encoding.startswith("utf") else ASCII


def _play_on_screen(table: Table, game: Game) -> int:
    from blobmaster.play.app import run_screen  # lazy: Textual takes 150 ms to load

    game, status = run_screen(table, game)
    _save_or_delete(table, game)
    return status


def _play_lines(table: Table, game: Game) -> int:
    lines = LineInterface(table, game, sys.stdin, sys.stdout)
    status = 0
    try:
        lines.play()
    except KeyboardInterrupt:
        click.echo()
        status = INTERRUPTED
    _save_or_delete(table, lines.game)
    return status


def _save_or_delete(table: Table, game: Game) -> None:
    """Save an unfinished game and print how to resume it; delete the file of a finished one."""
    game_file = table.game_file
    if is_finished(game):
        game_file.delete()
    elif view_of(game).is_begun:
        try:
            game_file.save(game)
        except OSError as error:
            raise SaveError(f"cannot save the game in {game_file.path}: {error.strerror}") from None
        named = "" if _is_found(game_file.path) else f" --saved {shell_quoted(str(game_file.path))}"
        click.echo(f"The game is saved. Continue with: blobmaster play --resume{named}")


def _is_found(path: Path) -> bool:
    """Return True if `--resume` finds the saved game without its name."""
    try:
        return path.parent == saved_game.folder(os.environ)
    except SaveError:  # the user has no folder for saved games
        return False
