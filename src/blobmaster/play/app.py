"""The screen: keys go to the desk, networks think in a thread of their own, lines are drawn."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Static

from blobmaster.play import words
from blobmaster.play.desk import Desk, press, type_text
from blobmaster.play.drawing import draw
from blobmaster.play.game import Game, act, deal_next
from blobmaster.play.orders import Act, GoOn, Leave, Order, Show
from blobmaster.play.seats import Table
from blobmaster.play.thinking import Advice, advise, choose
from blobmaster.play.view import look
from blobmaster.terminal.screen import guarded_terminal

AFTER_TRICK: Final = 2.5
"""How much longer than other moves the lead after a trick waits: the trick is there to be seen."""


class Chosen(Message):
    """A network has decided."""

    def __init__(self, decision: tuple[int, int], action: int) -> None:
        super().__init__()
        self.decision = decision
        self.action = action


class Advised(Message):
    """The advice that was asked for."""

    def __init__(self, advice: Advice) -> None:
        super().__init__()
        self.advice = advice


class NotKept(Message):
    """The game could not be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


class Broken(Message):
    """A job raised what nobody expected."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Board(Static):
    """The whole screen: lines drawn for its size, and anew when that changes."""

    def __init__(self, draw_lines: Callable[[int, int], list[Text]]) -> None:
        super().__init__()
        self._draw_lines = draw_lines

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draw what is to be seen now."""
        self.update(Text("\n").join(self._draw_lines(*self.size)))


class TableApp(App[None]):
    """One game on one screen."""

    CSS = """
    Screen { background: ansi_default; color: ansi_default; overflow: hidden; }
    Board { width: 100%; height: 100%; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", priority=True),
        Binding("ctrl+z", "suspend_process", priority=True),
    ]

    def __init__(self, table: Table, game: Game) -> None:
        super().__init__()
        self.theme = "ansi-dark"  # the terminal's own sixteen colours, on its own background
        self.animation_level = "none"
        self.game = game
        self.desk = Desk()
        self._table = table
        self._view = look(game)
        self._board = Board(self._lines)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._hurry = threading.Event()

    def compose(self) -> ComposeResult:
        yield self._board

    def on_mount(self) -> None:
        threading.Thread(target=self._work, name="thinking", daemon=True).start()
        self._go_to(self.game)

    def leave(self, status: int) -> None:
        """End the screen with an exit status; may be called from a signal handler."""
        self.call_later(self.exit, None, status)

    def on_key(self, event: Key) -> None:
        self._hurry.set()
        self._obey(*press(self.desk, self._view, self._table.signs, event.key, event.character))

    def on_paste(self, event: Paste) -> None:
        self._obey(*type_text(self.desk, self._view, " ".join(event.text.split())))

    def on_chosen(self, message: Chosen) -> None:
        if message.decision == self.game.decision:
            self._go_to(act(self.game, message.action))

    def on_advised(self, message: Advised) -> None:
        self.desk = replace(self.desk, advice=message.advice)
        self._board.redraw()

    def on_not_kept(self, message: NotKept) -> None:
        self.desk = replace(self.desk, notice=words.not_kept(message.error))
        self._board.redraw()

    def on_broken(self, message: Broken) -> None:
        raise message.error

    def _obey(self, desk: Desk, order: Order | None) -> None:
        self.desk = desk
        if isinstance(order, Act):
            self._go_to(act(self.game, order.action))
        elif isinstance(order, GoOn):
            self._go_to(deal_next(self.game))
        elif isinstance(order, Leave):
            self.exit()
        elif isinstance(order, Show):
            game = self.game
            self._jobs.put(lambda: self._post(Advised(advise(self._table.adviser, game))))
        self._board.redraw()

    def _go_to(self, game: Game) -> None:
        """The game has moved: show it, keep it, and let the network think whose turn it is."""
        self.game, self._view = game, look(game)
        self.desk = replace(self.desk, chosen=0)
        if self._view.is_begun:
            self._jobs.put(lambda: self._keep(game))
        if self._view.my_turn:
            self._hurry.clear()
        elif self._view.to_act is not None:
            pause = self._table.pace * (1 if self._view.trick else AFTER_TRICK)
            self._jobs.put(lambda: self._choose(game, pause))
        self._board.redraw()

    def _lines(self, width: int, height: int) -> list[Text]:
        return draw(self._view, self.desk, self._table.signs, width, height)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception as error:  # noqa: BLE001 (raised again where it ends the screen)
                self._post(Broken(error))

    def _choose(self, game: Game, pause: float) -> None:
        since = time.monotonic()
        action = choose(self._table.agent, game)
        self._hurry.wait(max(pause - (time.monotonic() - since), 0))
        self._post(Chosen(game.decision, action))

    def _keep(self, game: Game) -> None:
        try:
            self._table.keeper.keep(game)
        except OSError as error:
            self._post(NotKept(error))

    def _post(self, message: Message) -> None:
        self.post_message(message)


def run_screen(table: Table, game: Game) -> tuple[Game, int]:
    """Show the table until the person leaves; the game as it then stands, and an exit status."""
    app = TableApp(table, game)
    with guarded_terminal(app.leave):
        app.run(mouse=False)
    return app.game, app.return_code or 0
