"""The Textual application: it routes keys, runs the network in a thread and draws lines.

The state machine is in `blobmaster.play.ui_state` and the layout in `blobmaster.play.drawing`; both
are pure functions.
"""

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

from blobmaster.game.styles import Style
from blobmaster.play import texts
from blobmaster.play.advice import Advice, advise, choose_action, find_style
from blobmaster.play.drawing import draw
from blobmaster.play.game import Game, deal_next, take_action
from blobmaster.play.parser import Command, DealNext, OpenPage, Quit, TakeAction
from blobmaster.play.table import Table
from blobmaster.play.ui_state import UiState, handle_key, type_text
from blobmaster.play.view import view_of
from blobmaster.terminal.screen import guarded_terminal

AFTER_TRICK: Final = 2.5
"""Factor of the pause before the lead to a new trick, to leave time to look at the last one."""


class ActionChosen(Message):
    """A network has chosen its action."""

    def __init__(self, decision: tuple[int, int], action: int) -> None:
        super().__init__()
        self.decision = decision
        self.action = action


class AdviceReady(Message):
    """Requested advice is ready."""

    def __init__(self, advice: Advice) -> None:
        super().__init__()
        self.advice = advice


class StyleFound(Message):
    """The networks know better how the person plays."""

    def __init__(self, decision: tuple[int, int], style: Style | None) -> None:
        super().__init__()
        self.decision = decision
        self.style = style


class SaveFailed(Message):
    """The game could not be saved."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


class JobFailed(Message):
    """A job raised an unexpected error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Board(Static):
    """The only widget: it draws the whole screen as lines and redraws when its size changes."""

    def __init__(self, draw_lines: Callable[[int, int], list[Text]]) -> None:
        super().__init__()
        self._draw_lines = draw_lines

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draw the current state."""
        self.update(Text("\n").join(self._draw_lines(*self.size)))


class GameApp(App[None]):
    """One game on the screen."""

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
        self.theme = "ansi-dark"  # use the terminal's own sixteen colours and background
        self.animation_level = "none"
        self.game = game
        self.ui = UiState()
        self._table = table
        self._view = view_of(game)
        self._board = Board(self._lines)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._skip_pause = threading.Event()

    def compose(self) -> ComposeResult:
        yield self._board

    def on_mount(self) -> None:
        # Textual paints what changes: after `fg` the screen would stay empty until something does.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        # A daemon thread: leaving the game must not wait for a search to finish.
        threading.Thread(target=self._work, name="thinking", daemon=True).start()
        self._show_game(self.game)

    def leave(self, status: int) -> None:
        """Leave the screen with an exit status; safe to call from a signal handler."""
        self.call_later(self.exit, None, status)

    def on_key(self, event: Key) -> None:
        self._skip_pause.set()
        self._execute(
            *handle_key(self.ui, self._view, self._table.symbols, event.key, event.character)
        )

    def on_paste(self, event: Paste) -> None:
        self._execute(*type_text(self.ui, self._view, " ".join(event.text.split())))

    def on_action_chosen(self, message: ActionChosen) -> None:
        # Ignore an answer to a decision that is already past.
        if message.decision == self.game.decision:
            self._show_game(take_action(self.game, message.action))

    def on_advice_ready(self, message: AdviceReady) -> None:
        self.ui = replace(self.ui, advice=message.advice)
        self._board.redraw()

    def on_style_found(self, message: StyleFound) -> None:
        if message.decision == self.game.decision:  # else the next round has been dealt
            self.ui = replace(self.ui, style=message.style)
            self._board.redraw()

    def on_save_failed(self, message: SaveFailed) -> None:
        self.ui = replace(self.ui, notice=texts.save_failed(message.error))
        self._board.redraw()

    def on_job_failed(self, message: JobFailed) -> None:
        raise message.error

    def _execute(self, ui: UiState, command: Command | None) -> None:
        self.ui = ui
        if isinstance(command, TakeAction):
            self._show_game(take_action(self.game, command.action))
        elif isinstance(command, DealNext):
            self._show_game(deal_next(self.game))
        elif isinstance(command, Quit):
            self.exit()
        elif isinstance(command, OpenPage):
            game = self.game
            self._jobs.put(lambda: self._post(AdviceReady(advise(self._table.adviser, game))))
        self._board.redraw()

    def _show_game(self, game: Game) -> None:
        """Show the game after a move, save it, and let the network choose if it is to act."""
        self.game, self._view = game, view_of(game)
        self.ui = replace(self.ui, chosen=0, style=None)
        if self._view.is_begun:
            self._jobs.put(lambda: self._save(game))
        if self._view.my_turn:
            self._skip_pause.clear()
        elif self._view.to_act is not None:
            pause = self._table.pace * (1 if self._view.trick else AFTER_TRICK)
            self._jobs.put(lambda: self._choose(game, pause))
        elif self._view.phase == "round over":
            self._jobs.put(lambda: self._find_style(game))
        self._board.redraw()

    def _lines(self, width: int, height: int) -> list[Text]:
        return draw(self._view, self.ui, self._table.symbols, width, height)

    def _work(self) -> None:
        # One worker thread runs all jobs in order: the agent and the adviser each belong to one
        # thread, and moves are saved in the order in which they were made.
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception as error:  # noqa: BLE001 (raised again in `on_job_failed`)
                self._post(JobFailed(error))

    def _choose(self, game: Game, pause: float) -> None:
        since = time.monotonic()
        action = choose_action(self._table.agent, game)
        # The pause counts from the start of the search; any key ends it early.
        self._skip_pause.wait(max(pause - (time.monotonic() - since), 0))
        self._post(ActionChosen(game.decision, action))

    def _find_style(self, game: Game) -> None:
        self._post(StyleFound(game.decision, find_style(self._table.beliefs, game)))

    def _save(self, game: Game) -> None:
        try:
            self._table.game_file.save(game)
        except OSError as error:
            self._post(SaveFailed(error))

    def _post(self, message: Message) -> None:
        self.post_message(message)


def run_screen(table: Table, game: Game) -> tuple[Game, int]:
    """Play on the screen until the person leaves; return the game and the exit status."""
    app = GameApp(table, game)
    with guarded_terminal(app.leave):
        app.run(mouse=False)
    return app.game, app.return_code or 0
