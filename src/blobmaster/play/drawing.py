"""Draws the screen as lines of text: a pure function of the view and the terminal's size.

No information is in colours alone: `>` marks the seat to act, `[ ]` the choice that Enter takes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from blobmaster.game.rules import FIRST_BID
from blobmaster.play import texts
from blobmaster.play.card_text import Symbols
from blobmaster.play.style_text import style_line
from blobmaster.play.ui_state import UiState
from blobmaster.play.view import Move, View

WIDE: Final = 66
"""Columns needed to draw the trick beside the players."""
NARROWEST: Final = 24
"""Smallest width that is drawn; a narrower terminal shows the left part of it."""
PLAYERS_WIDTH: Final = 42
TALL: Final = 16
"""Lines needed to draw horizontal rules between the parts."""

_RED_SUITS: Final = (1, 3)
KEYS: Final = (("?", "advice"), ("h", "help"), ("q Enter", "leave"))


def draw(view: View, ui: UiState, symbols: Symbols, width: int, height: int) -> list[Text]:
    """Draw the whole screen: `height` lines of at most `width` columns."""
    columns, width = width, max(width, NARROWEST)
    rule = [Text(symbols.rule * width, "dim")] if height >= TALL else []
    top = [Text(texts.headline(view, symbols, brief=width < WIDE), "bold"), *rule]
    bottom = [*rule, *_hand(view, ui, symbols, width), *_answer(view, ui, symbols, width)]
    bottom.append(_footer(view, width))
    room = max(height - len(top) - len(bottom), 0)
    body = _body(view, ui, symbols, width, room)
    lines = [*top, *body, *[Text()] * (room - len(body)), *bottom]
    for line in lines:
        line.truncate(columns, overflow="crop")
    # On a screen that is too low, keep the bottom: the hand and the prompt.
    return lines[max(len(lines) - height, 0) :]


def _body(view: View, ui: UiState, symbols: Symbols, width: int, room: int) -> list[Text]:
    if ui.page == "help":
        return _window(_plain(texts.help_lines(symbols), width), ui.scroll, room)
    if ui.page == "scores":
        return _window(_plain(texts.score_table(view, symbols, width)), ui.scroll, room)
    table = _table(view, symbols, width, room)
    below = _below(view, ui, symbols, width)
    if ui.page == "advice" and len(table) + 1 + len(below) > room:
        return _window(below, ui.scroll, room)
    left = room - len(table) - 1
    if left <= 0 or not below:
        return table[:room]
    # Of moves the last ones count, of everything else the first.
    is_moves = ui.page == "table" and view.phase in ("bidding", "playing")
    return [*table, Text(), *(below[-left:] if is_moves else below[:left])]


def _below(view: View, ui: UiState, symbols: Symbols, width: int) -> list[Text]:
    """Draw what is below the table: advice, the result of the round or game, or the moves."""
    if ui.page == "advice":
        if ui.advice is None or ui.advice.decision != view.decision:
            return [Text("The network is working on its advice.")]
        return _plain(texts.advice_lines(ui.advice, symbols), width)
    if view.phase == "game over":
        return _plain(texts.standing_lines(view))
    if view.phase == "round over":
        style = [] if ui.style is None else [style_line(ui.style)]
        return _plain([*texts.result_lines(view, view.results[-1]), *style], width)
    return [Text(texts.move_line(view, move, symbols), "dim") for move in view.moves]


def _table(view: View, symbols: Symbols, width: int, room: int) -> list[Text]:
    players, trick = _players(view), _trick(view, symbols)
    if width >= WIDE and room >= len(players):
        if view.trick:
            trick += _plain([texts.last_trick_line(view, symbols)], width - PLAYERS_WIDTH)
        return _beside(players, trick)
    if room >= len(players) + len(trick):
        return [*players, *trick]
    return _compact(view, symbols, width)


def _players(view: View) -> list[Text]:
    lines = [Text(f"{'':>14}{'cards':>6}{'bid':>5}{'took':>6}{'points':>8}", "dim")]
    for seat in range(view.players):
        mark = ">" if seat == view.to_act else " "
        role = "deals" if seat == view.plan.dealer else ""
        bid = "" if view.bids[seat] is None else str(view.bids[seat])
        row = f"{mark} {texts.name(view, seat):<5}{role:>6} {view.cards_held(seat):>6}{bid:>5}"
        style = "bold" if seat == view.to_act else ""
        lines.append(Text(f"{row}{view.tricks[seat]:>6}{view.scores[seat]:>8}", style))
    lines.append(Text(f"  {texts.bid_balance(view)}", "dim"))
    return lines


def _trick(view: View, symbols: Symbols) -> list[Text]:
    """The cards on the table, or the trick that has just been taken."""
    shown = view.trick or view.last_trick
    if not shown:
        return [
            Text(f"{texts.subject_and_verb(view, view.leader, 'lead')} the first trick.", "dim")
        ]
    title = "On the table:" if view.trick else "The last trick:"
    return [Text(title, "dim"), *(_played(view, move, symbols, shown) for move in shown)]


def _played(view: View, move: Move, symbols: Symbols, trick: Sequence[Move]) -> Text:
    line = Text(f"{texts.name(view, move.seat):<6}")
    line.append_text(_card(move.action, symbols))
    if view.trick and move.seat == view.winning:
        line.append("  wins it so far", "bold")
    elif not view.trick and move.seat == trick[-1].taken_by:
        line.append("  took it", "bold")
    elif move is trick[0]:
        line.append("  led", "dim")
    return line


def _compact(view: View, symbols: Symbols, width: int) -> list[Text]:
    """The table in as few lines as it takes: the trick, then `Ada 1/2 30` for took, bid, points."""
    shown = view.trick or view.last_trick
    if view.winning is not None:
        fate = f" ({texts.name(view, view.winning)} wins it)"
    else:
        fate = f" ({texts.name(view, shown[-1].taken_by)} took it)" if shown else ""
    trick = texts.trick_line(view, shown, symbols) + fate
    seats = [
        f" {'>' if seat == view.to_act else ''}{texts.name(view, seat)} "
        f"{view.tricks[seat]}/{'-' if view.bids[seat] is None else view.bids[seat]} "
        f"{view.scores[seat]} "
        for seat in range(view.players)
    ]
    first = _plain([trick or texts.bid_balance(view)], width)
    return [*first, *_flow("Took/bid points:", map(Text, seats), width)]


def _hand(view: View, ui: UiState, symbols: Symbols, width: int) -> list[Text]:
    """Draw the person's cards, and the legal bids when it is their turn to bid."""
    chosen = view.legal[ui.chosen % len(view.legal)] if view.legal else None
    cards = []
    for card in view.hand:
        cell = _card(card, symbols)
        if view.phase == "playing" and view.my_turn and card not in view.legal:
            cell.stylize("dim")
        cards.append(_boxed(cell, card == chosen))
    lines = _flow("Hand", cards or [Text(" no cards left")], width)
    if view.my_turn and view.phase == "bidding":
        bids = [_boxed(Text(str(a - FIRST_BID)), a == chosen) for a in view.legal]
        lines += _flow("Bid", bids, width)
    return lines


def _answer(view: View, ui: UiState, symbols: Symbols, width: int) -> list[Text]:
    """Draw why the last command was rejected, and the prompt with the typed text."""
    lines = [Text(line, "bold red") for line in textwrap.wrap(ui.notice, width)]
    prompt = texts.prompt(view, symbols)
    asked = [Text(line) for line in textwrap.wrap(prompt, width - len(ui.typed) - 2)]
    asked[-1].append(f" {ui.typed}", "bold")
    asked[-1].append("_", "bold")
    return [*lines, *asked]


def _footer(view: View, width: int) -> Text:
    """Draw the list of keys; narrow screens leave out those that the prompt mentions."""
    enter = "take" if view.legal else "go on"
    keys = [*KEYS] if width < WIDE else [("Enter", enter), *KEYS, ("s", "scores")]
    if view.legal and width >= WIDE:
        keys.insert(0, ("arrows", "choose"))
    return Text("  ").join(Text.assemble((key, "bold"), (f" {what}", "dim")) for key, what in keys)


def _card(card: int, symbols: Symbols) -> Text:
    red = texts.suit_of(card) in _RED_SUITS
    return Text(symbols.card(card), "red" if red else "")


def _boxed(cell: Text, chosen: bool) -> Text:
    left, right = ("[", "]") if chosen else (" ", " ")
    box = Text.assemble(left, cell, right)
    if chosen:
        box.stylize("bold")
    return box


def _flow(label: str, cells: Iterable[Text], width: int) -> list[Text]:
    """Lay out cells after a label, on as many lines as they need."""
    lines = [Text.assemble((f"{label:<5}", "dim"))]
    for cell in cells:
        if lines[-1].cell_len + cell.cell_len > width:
            lines.append(Text(" " * 5))
        lines[-1].append_text(cell)
    return lines


def _beside(left: Sequence[Text], right: Sequence[Text]) -> list[Text]:
    lines = []
    for row in range(max(len(left), len(right))):
        line = Text().append_text(left[row]) if row < len(left) else Text()
        line.pad_right(PLAYERS_WIDTH - line.cell_len)
        lines.append(line.append_text(right[row]) if row < len(right) else line)
    return lines


def _plain(lines: Iterable[str], width: int | None = None) -> list[Text]:
    """Convert strings to lines, wrapped at `width`; None, for tables, does not wrap."""
    if width is None:
        return [Text(line) for line in lines]
    return [Text(part) for line in lines for part in textwrap.wrap(line, width) or [""]]


def _window(lines: Sequence[Text], scroll: int, room: int) -> list[Text]:
    """Cut the lines that fit from `scroll` on; scrolling stops when the last line is visible."""
    start = min(scroll, max(len(lines) - room, 0))
    return list(lines[start : start + room])
