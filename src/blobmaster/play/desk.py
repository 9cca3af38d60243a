"""What a person has before them beside the table: what was typed, the chosen move, the open page.

`press` is the whole of the screen's behaviour: a pure function from a key to the next desk and to
what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blobmaster.play.cardtext import Signs
from blobmaster.play.orders import Act, Order, Page, Refusal, Show, go_on, understand
from blobmaster.play.thinking import Advice
from blobmaster.play.view import View
from blobmaster.play.words import NOT_NOW, ONE_MOVE

LONGEST_LINE = 16
_STEPS = {"left": -1, "up": 1, "right": 1, "down": -1}
_PAGING = {"pageup": -5, "pagedown": 5}
_SCROLLING = {"up": -1, "down": 1}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The screen's own state."""

    typed: str = ""
    chosen: int = 0
    """Which of the legal actions is marked."""
    page: Page = "table"
    scroll: int = 0
    """Lines of the page above its window."""
    notice: str = ""
    """The answer to what was last tried: why it cannot be done."""
    advice: Advice | None = None
    """Of the decision that it names, which may be past."""


def press(
    desk: Desk, view: View, signs: Signs, key: str, character: str | None
) -> tuple[Desk, Order | None]:
    """The desk after a key, and what the person asks for with it.

    Args:
        desk, view, signs: what is before them.
        key: the key's name: `enter`, `left`, `f1`, ...
        character: what it would type, if anything.
    """
    desk = replace(desk, notice="")
    if key == "enter":
        return _enter(desk, view, signs)
    if key == "escape":
        return replace(desk, typed="", page="table", scroll=0), None
    if key == "backspace":
        return replace(desk, typed=desk.typed[:-1]), None
    if key in _PAGING and desk.page != "table":
        return replace(desk, scroll=max(desk.scroll + _PAGING[key], 0)), None
    if key in _SCROLLING and desk.page in ("help", "scores"):
        return replace(desk, scroll=max(desk.scroll + _SCROLLING[key], 0)), None
    if key in _STEPS and view.legal:
        return replace(desk, chosen=(desk.chosen + _STEPS[key]) % len(view.legal), typed=""), None
    if key == "f1":
        return show(desk, view, "help")
    if character is None or not character.isprintable():
        return desk, None
    return type_text(desk, view, character)


def type_text(desk: Desk, view: View, text: str) -> tuple[Desk, Order | None]:
    """The desk after text was typed or pasted; `?`, `h` and `s` ask at once: no card begins so."""
    if not desk.typed and text in _PAGES:
        return show(desk, view, _PAGES[text])
    return replace(desk, typed=(desk.typed + text)[:LONGEST_LINE]), None


_PAGES: dict[str, Page] = {"?": "advice", "h": "help", "s": "scores"}


def show(desk: Desk, view: View, page: Page) -> tuple[Desk, Order | None]:
    """Turn to a page, or back to the table from it; advice is asked for where there is none yet."""
    if page == desk.page or page == "table":
        return replace(desk, page="table", scroll=0), None
    desk = replace(desk, scroll=0)
    if page != "advice":
        return replace(desk, page=page), None
    if not view.my_turn:
        return replace(desk, notice=NOT_NOW), None
    if len(view.legal) == 1:
        return replace(desk, notice=ONE_MOVE), None
    known = desk.advice is not None and desk.advice.decision == view.decision
    return replace(desk, page=page), None if known else Show("advice")


def _enter(desk: Desk, view: View, signs: Signs) -> tuple[Desk, Order | None]:
    typed = desk.typed
    if not typed and desk.page in ("help", "scores"):
        return replace(desk, page="table", scroll=0), None
    order: Order
    if typed:
        order = understand(typed, view, signs)
    elif view.legal:
        order = Act(view.legal[desk.chosen % len(view.legal)])
    else:
        order = go_on(view, signs)
    desk = replace(desk, typed="")
    if isinstance(order, Refusal):
        return replace(desk, notice=order.reason), None
    if isinstance(order, Show):
        return show(desk, view, order.page)
    return replace(desk, page="table", scroll=0), order
