"""`blobmaster play`: begins a game or takes one up again, on a screen or in lines."""

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

from blobmaster.checkpoint.network import Trained, load_trained
from blobmaster.game.cards import CARDS
from blobmaster.play import savegame
from blobmaster.play.cardtext import ASCII, UNICODE, Signs
from blobmaster.play.game import Game, Setup, is_finished
from blobmaster.play.lines import LineTable
from blobmaster.play.savegame import Keeper, Opponent, SaveError
from blobmaster.play.seats import Table, check_search, seat_networks, warm_up
from blobmaster.play.view import look
from blobmaster.run.errors import CheckpointError
from blobmaster.terminal.screen import can_draw, shows_unicode

INTERRUPTED: Final = 130
USUAL_PLAYERS: Final = 4
USUAL_CARDS: Final = 7


@dataclass(frozen=True, kw_only=True)
class PlayOrder:
    """What was asked for; None where nothing was said."""

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
    """The file of the game."""
    plain: bool
    pace: float


def run_play(order: PlayOrder) -> int:
    """Play until the game is over or the person leaves; returns the process's exit status.

    Raises:
        ValueError: what was asked for does not go together or cannot be dealt.
        RunError: the checkpoint or the saved game cannot be used.
    """
    check_search(order.search)
    if order.resume:
        game, path, opponent, trained = _taken_up(order)
    else:
        game, path, opponent, trained = _begun(order)
    agent, adviser = seat_networks(trained, opponent.search)
    table = Table(
        agent=agent,
        adviser=adviser,
        keeper=Keeper(path, opponent),
        signs=_signs(),
        pace=order.pace,
    )
    warm_up(table)
    if order.plain or not can_draw():
        return _play_lines(table, game)
    return _play_on_screen(table, game)


def _begun(order: PlayOrder) -> tuple[Game, Path, Opponent, Trained]:
    """A new game."""
    if order.checkpoint is None:
        raise ValueError("name a CHECKPOINT to play against, or --resume a game")
    players = USUAL_PLAYERS if order.players is None else order.players
    seed = secrets.randbits(32) if order.seed is None else order.seed
    setup = Setup(
        players=players,
        most_cards=min(USUAL_CARDS, CARDS // max(players, 1))
        if order.cards is None
        else order.cards,
        seat=seed % max(players, 1) if order.seat is None else order.seat - 1,
        seed=seed,
        one_round=order.one_round,
    )
    path = order.saved or savegame.new_path(savegame.folder(os.environ), seed)
    if path.exists():
        raise SaveError(f"{path} holds a game: take it up with --resume, or name another file")
    trained = load_trained(order.checkpoint, torch.device("cpu"))
    return Game(setup), path, _opponent(order.checkpoint, trained, order.search), trained


def _taken_up(order: PlayOrder) -> tuple[Game, Path, Opponent, Trained]:
    """A game that was left, against its own checkpoint, or against the one that is named now."""
    if (order.players, order.cards, order.seat, order.seed, order.one_round) != (
        *[None] * 4,
        False,
    ):
        raise ValueError("a game that is resumed keeps its players, cards, seat and seed")
    if order.saved is None:
        path, saved = savegame.newest(savegame.folder(os.environ))
    else:
        path, saved = order.saved, savegame.read(order.saved)
    game = savegame.game_of(saved, path)
    search = order.search or saved.opponent.search
    if order.checkpoint is not None:
        trained = load_trained(order.checkpoint, torch.device("cpu"))
        return game, path, _opponent(order.checkpoint, trained, search), trained
    return game, path, structs.replace(saved.opponent, search=search), _same_network(saved.opponent)


def _same_network(opponent: Opponent) -> Trained:
    """The checkpoint that a game began with.

    Raises:
        CheckpointError: it is gone or is another one now.
    """
    path = Path(opponent.path)
    other = "to go on against another: blobmaster play CHECKPOINT --resume"
    if not path.exists():
        raise CheckpointError(f"the game's checkpoint {path} is gone; {other}")
    trained = load_trained(path, torch.device("cpu"))
    if not opponent.is_of(trained.meta):
        raise CheckpointError(f"{path} is no longer the game's checkpoint; {other}")
    return trained


def _opponent(path: Path, trained: Trained, search: str | None) -> Opponent:
    meta = trained.meta
    return Opponent(
        path=str(path.absolute()),
        run_id=meta.identity.run_id,
        iteration=meta.iteration,
        saved_at=meta.saved_at,
        search=search,
    )


def _signs() -> Signs:
    encoding = (sys.stdout.encoding or "ascii").lower()
    return UNICODE if shows_unicode() and encoding.startswith("utf") else ASCII


def _play_on_screen(table: Table, game: Game) -> int:
    from blobmaster.play.app import run_screen  # Textual takes 150 ms to load

    game, status = run_screen(table, game)
    _put_away(table, game)
    return status


def _play_lines(table: Table, game: Game) -> int:
    lines = LineTable(table, game, sys.stdin, sys.stdout)
    status = 0
    try:
        lines.play()
    except KeyboardInterrupt:
        click.echo()
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left. What the interpreter still holds must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _put_away(table, lines.game)
    return status


def _put_away(table: Table, game: Game) -> None:
    """Keep a game that is left, and say how it is taken up again; forget a finished one."""
    keeper = table.keeper
    if is_finished(game):
        keeper.forget()
    elif look(game).is_begun:
        try:
            keeper.keep(game)
        except OSError as error:
            raise SaveError(
                f"the game could not be kept in {keeper.path}: {error.strerror}"
            ) from None
        named = (
            "" if keeper.path.parent == savegame.folder(os.environ) else f" --saved {keeper.path}"
        )
        click.echo(f"The game is kept. Go on with: blobmaster play --resume{named}")
