"""The table as lines: sentences out, typed lines in, for plain terminals, pipes, screen readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from blobmaster.play import words
from blobmaster.play.game import Game, act, deal_next
from blobmaster.play.orders import Act, GoOn, Leave, Order, Page, Refusal, understand
from blobmaster.play.seats import Table
from blobmaster.play.thinking import advise, choose
from blobmaster.play.view import View, look

SCORES_WIDTH = 100


class LineTable:
    """A game told in lines."""

    def __init__(self, table: Table, game: Game, typed: TextIO, out: TextIO) -> None:
        self.game = game
        self._table = table
        self._typed = typed
        self._out = out
        self._told = (-1, 0)
        """The decision up to which all has been told."""
        self._keeps = True

    def play(self) -> None:
        """Play until the game is over, the person leaves, or nothing more is typed."""
        while True:
            view = look(self.game)
            self._tell_news(view)
            if view.phase == "game over":
                return
            if view.to_act is not None and not view.my_turn:
                self.game = act(self.game, choose(self._table.agent, self.game))
                continue
            order = self._next_order(view)
            if isinstance(order, Leave):
                return
            if isinstance(order, Act):
                self.game = act(self.game, order.action)
            elif isinstance(order, GoOn):
                self.game = deal_next(self.game)
            self._keep()

    def _next_order(self, view: View) -> Act | GoOn | Leave:
        """Ask until what is typed moves the game."""
        if view.phase == "playing":
            self._say([self._hand(view)])
        while True:
            self._out.write(f"{words.prompt(view, self._table.signs)} ")
            self._out.flush()
            line = self._typed.readline()
            if not self._typed.isatty():
                self._say([line.rstrip("\n")])  # a terminal has shown it already
            if not line:
                return Leave()
            order: Order = understand(line, view, self._table.signs)
            if isinstance(order, Act | GoOn | Leave):
                return order
            self._say(
                [order.reason] if isinstance(order, Refusal) else self._page(order.page, view)
            )

    def _page(self, page: Page, view: View) -> Iterable[str]:
        signs = self._table.signs
        if page == "help":
            return words.help_lines(signs)
        if page == "scores":
            return words.score_table(view, signs, SCORES_WIDTH)
        if page == "table":
            return [*words.situation(view, signs), self._hand(view)]
        if len(view.legal) == 1:
            return [words.ONE_MOVE]
        if not view.my_turn:
            return [words.NOT_NOW]
        return words.advice_lines(advise(self._table.adviser, self.game), signs)

    def _tell_news(self, view: View) -> None:
        """What has happened since the last time, oldest first."""
        number, moves = self._told
        signs = self._table.signs
        if number != view.number:
            moves = 0
            self._say(["", words.headline(view, signs), self._hand(view)])
        self._say(words.move_line(view, move, signs) for move in view.moves[moves:])
        if moves < len(view.moves) or number != view.number:
            if len(view.moves) == view.players:
                self._say([words.balance(view)])
            if view.phase in ("round over", "game over"):
                self._say(["", *words.result_lines(view, view.results[-1])])
            if view.phase == "game over":
                self._say(["", *words.standing_lines(view), words.winner(view)])
        self._told = view.decision

    def _hand(self, view: View) -> str:
        cards = self._table.signs.cards(view.hand, ", ") if view.hand else "no cards left"
        return f"Your hand: {cards}"

    def _keep(self) -> None:
        try:
            self._table.keeper.keep(self.game)
        except OSError as error:
            if self._keeps:
                self._say([words.not_kept(error)])
            self._keeps = False

    def _say(self, lines: Iterable[str]) -> None:
        self._out.writelines(f"{line}\n" for line in lines)
        self._out.flush()
