"""The line interface, for plain terminals, pipes and screen readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from blobmaster.play import texts
from blobmaster.play.advice import advise, choose_action, find_style
from blobmaster.play.game import Game, deal_next, take_action
from blobmaster.play.parser import (
    Command,
    DealNext,
    Page,
    Quit,
    Rejection,
    TakeAction,
    parse_command,
)
from blobmaster.play.style_text import style_line
from blobmaster.play.table import Table
from blobmaster.play.view import View, view_of
from blobmaster.terminal.output import reader_left

SCORES_WIDTH = 100
"""Columns of the score table."""


class LineInterface:
    """Plays a game with sentences as output and typed lines as input."""

    def __init__(self, table: Table, game: Game, typed: TextIO, out: TextIO) -> None:
        self.game = game
        self._table = table
        self._typed = typed
        self._out = out
        self._printed = (-1, 0)
        """The decision up to which everything has been printed."""
        self._can_save = True

    def play(self) -> None:
        """Play until the game is over, the person leaves or the input ends."""
        while True:
            view = view_of(self.game)
            self._print_news(view)
            # Nobody reads the table any more, so nobody plays: the game is saved for later.
            if view.phase == "game over" or reader_left(self._out):
                return
            if view.to_act is not None and not view.my_turn:
                self.game = take_action(self.game, choose_action(self._table.agent, self.game))
                continue
            command = self._next_command(view)
            if isinstance(command, Quit):
                return
            if isinstance(command, TakeAction):
                self.game = take_action(self.game, command.action)
            elif isinstance(command, DealNext):
                self.game = deal_next(self.game)
            self._save()

    def _next_command(self, view: View) -> TakeAction | DealNext | Quit:
        """Prompt until a command changes the game; answer all others."""
        if view.phase == "playing":
            self._print([self._hand(view)])
        while True:
            self._out.write(f"{texts.prompt(view, self._table.symbols)} ")
            self._out.flush()
            line = self._typed.readline()
            if not self._typed.isatty():
                self._print([line.rstrip("\n")])  # a terminal echoes the input, a pipe does not
            if not line:
                return Quit()
            command: Command = parse_command(line, view, self._table.symbols)
            if isinstance(command, TakeAction | DealNext | Quit):
                return command
            self._print(
                [command.reason]
                if isinstance(command, Rejection)
                else self._page(command.page, view)
            )

    def _page(self, page: Page, view: View) -> Iterable[str]:
        symbols = self._table.symbols
        if page == "help":
            return texts.help_lines(symbols)
        if page == "scores":
            return texts.score_table(view, symbols, SCORES_WIDTH)
        if page == "table":
            return [*texts.table_lines(view, symbols), self._hand(view)]
        if len(view.legal) == 1:
            return [texts.ONE_MOVE]
        if not view.my_turn:
            return [texts.NOT_NOW]
        return texts.advice_lines(advise(self._table.adviser, self.game), symbols)

    def _print_news(self, view: View) -> None:
        """Print what happened since the last call, oldest first."""
        number, moves = self._printed
        symbols = self._table.symbols
        if number != view.number:
            moves = 0
            self._print(["", texts.headline(view, symbols), self._hand(view)])
        self._print(texts.move_line(view, move, symbols) for move in view.moves[moves:])
        if moves < len(view.moves) or number != view.number:
            if len(view.moves) == view.players:
                self._print([texts.bid_balance(view)])
            if view.phase in ("round over", "game over"):
                self._print(["", *texts.result_lines(view, view.results[-1])])
            if view.phase == "round over":
                self._print(self._style())
            if view.phase == "game over":
                self._print(["", *texts.standing_lines(view), texts.winner(view)])
        self._printed = view.decision

    def _hand(self, view: View) -> str:
        cards = self._table.symbols.cards(view.hand, ", ") if view.hand else "no cards left"
        return f"Your hand: {cards}"

    def _style(self) -> list[str]:
        style = find_style(self._table.beliefs, self.game)
        return [] if style is None else [style_line(style)]

    def _save(self) -> None:
        try:
            self._table.game_file.save(self.game)
        except OSError as error:
            if self._can_save:
                self._print([texts.save_failed(error)])
            self._can_save = False

    def _print(self, lines: Iterable[str]) -> None:
        self._out.writelines(f"{line}\n" for line in lines)
        self._out.flush()
