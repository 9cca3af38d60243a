"""The state of the user interface: typed text, the marked move, the open page.

`handle_key` is all of the screen's behaviour: a pure function from a state and a key to the next
state and a command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blobmaster.game.styles import Style
from blobmaster.play.advice import Advice
from blobmaster.play.card_text import Symbols
from blobmaster.play.parser import (
    Command,
    OpenPage,
    Page,
    Rejection,
    TakeAction,
    default_command,
    parse_command,
)
from blobmaster.play.texts import NOT_NOW, ONE_MOVE
from blobmaster.play.view import View

LONGEST_LINE = 16
"""Characters of typed text that are kept."""
_STEPS = {"left": -1, "up": 1, "right": 1, "down": -1}
_PAGING = {"pageup": -5, "pagedown": 5}
_SCROLLING = {"up": -1, "down": 1}


@dataclass(frozen=True, kw_only=True)
class UiState:
    """The state of the user interface; the game is not part of it."""

    typed: str = ""
    chosen: int = 0
    """Index of the marked legal action."""
    page: Page = "table"
    scroll: int = 0
    """Lines of the page scrolled out above the screen."""
    notice: str = ""
    """Why the last command was rejected; empty if it was not."""
    advice: Advice | None = None
    """The last advice; it names its decision, which may be past."""
    style: Style | None = None
    """After a round, the style in which the networks believe that the person plays, if any."""


def handle_key(
    ui: UiState, view: View, symbols: Symbols, key: str, character: str | None
) -> tuple[UiState, Command | None]:
    """Return the state after a key, and the command that the key gives, if any.

    Args:
        ui: the current state.
        view: the person's view of the game.
        symbols: the symbols of the terminal, for messages.
        key: Textual's name of the key: `enter`, `left`, `f1`, ...
        character: the character that the key types; None if it types none.
    """
    ui = replace(ui, notice="")
    if key == "enter":
        return _enter(ui, view, symbols)
    if key == "escape":
        return replace(ui, typed="", page="table", scroll=0), None
    if key == "backspace":
        return replace(ui, typed=ui.typed[:-1]), None
    if key in _PAGING and ui.page != "table":
        return replace(ui, scroll=max(ui.scroll + _PAGING[key], 0)), None
    if key in _SCROLLING and ui.page in ("help", "scores"):
        return replace(ui, scroll=max(ui.scroll + _SCROLLING[key], 0)), None
    if key in _STEPS and view.legal:
        return replace(ui, chosen=(ui.chosen + _STEPS[key]) % len(view.legal), typed=""), None
    if key == "f1":
        return open_page(ui, view, "help")
    if character is None or not character.isprintable():
        return ui, None
    return type_text(ui, view, character)


def type_text(ui: UiState, view: View, text: str) -> tuple[UiState, Command | None]:
    """Return the state after typed or pasted text.

    `?`, `h` and `s` open their pages without Enter, if nothing else is typed: no card begins so.
    """
    if not ui.typed and text in _PAGES:
        return open_page(ui, view, _PAGES[text])
    return replace(ui, typed=(ui.typed + text)[:LONGEST_LINE]), None


_PAGES: dict[str, Page] = {"?": "advice", "h": "help", "s": "scores"}


def open_page(ui: UiState, view: View, page: Page) -> tuple[UiState, Command | None]:
    """Open a page, or return to the table if it is open; request advice if there is none yet."""
    if page == ui.page or page == "table":
        return replace(ui, page="table", scroll=0), None
    ui = replace(ui, scroll=0)
    if page != "advice":
        return replace(ui, page=page), None
    if not view.my_turn:
        return replace(ui, notice=NOT_NOW), None
    if len(view.legal) == 1:
        return replace(ui, notice=ONE_MOVE), None
    known = ui.advice is not None and ui.advice.decision == view.decision
    return replace(ui, page=page), None if known else OpenPage("advice")


def _enter(ui: UiState, view: View, symbols: Symbols) -> tuple[UiState, Command | None]:
    typed = ui.typed
    if not typed and ui.page in ("help", "scores"):
        return replace(ui, page="table", scroll=0), None
    command: Command
    if typed:
        command = parse_command(typed, view, symbols)
    elif view.legal:
        command = TakeAction(view.legal[ui.chosen % len(view.legal)])
    else:
        command = default_command(view, symbols)
    ui = replace(ui, typed="")
    if isinstance(command, Rejection):
        return replace(ui, notice=command.reason), None
    if isinstance(command, OpenPage):
        return open_page(ui, view, command.page)
    return replace(ui, page="table", scroll=0), command
