"""The screen as lines of text, a pure function of what is seen and of the terminal's size.

Colours repeat what words and marks already say: `>` is whose turn it is, `[ ]` what Enter takes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from rich.text import Text

from blobmaster.game.rules import FIRST_BID
from blobmaster.play import words
from blobmaster.play.cardtext import Signs
from blobmaster.play.desk import Desk
from blobmaster.play.view import Move, View

WIDE: Final = 66
"""Columns that let the trick stand beside the players."""
NARROWEST: Final = 24
"""Columns that are drawn for in any case: narrower terminals show the left part."""
PLAYERS_WIDTH: Final = 42
TALL: Final = 16
"""Lines that leave some over for rules between the parts."""

_RED_SUITS: Final = (1, 3)
KEYS: Final = (("?", "advice"), ("h", "help"), ("q Enter", "leave"))


def draw(view: View, desk: Desk, signs: Signs, width: int, height: int) -> list[Text]:
    """The whole screen: `height` lines of at most `width` columns."""
    columns, width = width, max(width, NARROWEST)
    rule = [Text(signs.rule * width, "dim")] if height >= TALL else []
    top = [Text(words.headline(view, signs, brief=width < WIDE), "bold"), *rule]
    bottom = [*rule, *_hand(view, desk, signs, width), *_answer(view, desk, signs, width)]
    bottom.append(_footer(view, width))
    room = max(height - len(top) - len(bottom), 0)
    body = _body(view, desk, signs, width, room)
    lines = [*top, *body, *[Text()] * (room - len(body)), *bottom]
    for line in lines:
        line.truncate(columns, overflow="crop")
    return lines[max(len(lines) - height, 0) :]


def _body(view: View, desk: Desk, signs: Signs, width: int, room: int) -> list[Text]:
    if desk.page == "help":
        return _window(_plain(words.help_lines(signs), width), desk.scroll, room)
    if desk.page == "scores":
        return _window(_plain(words.score_table(view, signs, width)), desk.scroll, room)
    table = _table(view, signs, width, room)
    below = _below(view, desk, signs, width)
    if desk.page == "advice" and len(table) + 1 + len(below) > room:
        return _window(below, desk.scroll, room)
    left = room - len(table) - 1
    if left <= 0 or not below:
        return table[:room]
    return [*table, Text(), *(below[:left] if desk.page == "advice" else below[-left:])]


def _below(view: View, desk: Desk, signs: Signs, width: int) -> list[Text]:
    """What stands below the table: advice, how the round or the game ended, or what was done."""
    if desk.page == "advice":
        if desk.advice is None or desk.advice.decision != view.decision:
            return [Text("The network is thinking about your place.")]
        return _plain(words.advice_lines(desk.advice, signs), width)
    if view.phase == "game over":
        return _plain(words.standing_lines(view))
    if view.phase == "round over":
        return _plain(words.result_lines(view, view.results[-1]), width)
    return [Text(words.move_line(view, move, signs), "dim") for move in view.moves]


def _table(view: View, signs: Signs, width: int, room: int) -> list[Text]:
    players, trick = _players(view), _trick(view, signs)
    if width >= WIDE and room >= len(players):
        if view.trick:
            trick += _plain([words.last_trick_line(view, signs)], width - PLAYERS_WIDTH)
        return _beside(players, trick)
    if room >= len(players) + len(trick):
        return [*players, *trick]
    return _compact(view, signs, width)


def _players(view: View) -> list[Text]:
    lines = [Text(f"{'':>14}{'cards':>6}{'bid':>5}{'took':>6}{'points':>8}", "dim")]
    for seat in range(view.players):
        mark = ">" if seat == view.to_act else " "
        role = "deals" if seat == view.plan.dealer else ""
        bid = "" if view.bids[seat] is None else str(view.bids[seat])
        row = f"{mark} {words.name(view, seat):<5}{role:>6} {view.cards_held(seat):>6}{bid:>5}"
        style = "bold" if seat == view.to_act else ""
        lines.append(Text(f"{row}{view.tricks[seat]:>6}{view.scores[seat]:>8}", style))
    lines.append(Text(f"  {words.balance(view)}", "dim"))
    return lines


def _trick(view: View, signs: Signs) -> list[Text]:
    """The cards on the table, or the trick that has just been taken."""
    shown = view.trick or view.last_trick
    if not shown:
        return [Text(f"{words.says(view, view.leader, 'lead')} the first trick.", "dim")]
    title = "On the table:" if view.trick else "The last trick:"
    return [Text(title, "dim"), *(_played(view, move, signs, shown) for move in shown)]


def _played(view: View, move: Move, signs: Signs, trick: Sequence[Move]) -> Text:
    line = Text(f"{words.name(view, move.seat):<6}")
    line.append_text(_card(move.action, signs))
    if view.trick and move.seat == view.winning:
        line.append("  wins it so far", "bold")
    elif not view.trick and move.seat == trick[-1].taken_by:
        line.append("  took it", "bold")
    elif move is trick[0]:
        line.append("  led", "dim")
    return line


def _compact(view: View, signs: Signs, width: int) -> list[Text]:
    """The table in as few lines as it takes: the trick, then `Ada 1/2 30` for took, bid, points."""
    shown = view.trick or view.last_trick
    if view.winning is not None:
        fate = f" ({words.name(view, view.winning)} wins it)"
    else:
        fate = f" ({words.name(view, shown[-1].taken_by)} took it)" if shown else ""
    trick = words.trick_line(view, shown, signs) + fate
    seats = [
        f" {'>' if seat == view.to_act else ''}{words.name(view, seat)} "
        f"{view.tricks[seat]}/{'-' if view.bids[seat] is None else view.bids[seat]} "
        f"{view.scores[seat]} "
        for seat in range(view.players)
    ]
    first = _plain([trick or words.balance(view)], width)
    return [*first, *_flow("Took/bid points:", map(Text, seats), width)]


def _hand(view: View, desk: Desk, signs: Signs, width: int) -> list[Text]:
    """The person's cards, and when they bid the bids to choose from."""
    chosen = view.legal[desk.chosen % len(view.legal)] if view.legal else None
    cards = []
    for card in view.hand:
        cell = _card(card, signs)
        if view.phase == "playing" and view.my_turn and card not in view.legal:
            cell.stylize("dim")
        cards.append(_boxed(cell, card == chosen))
    lines = _flow("Hand", cards or [Text(" no cards left")], width)
    if view.my_turn and view.phase == "bidding":
        bids = [_boxed(Text(str(a - FIRST_BID)), a == chosen) for a in view.legal]
        lines += _flow("Bid", bids, width)
    return lines


def _answer(view: View, desk: Desk, signs: Signs, width: int) -> list[Text]:
    """Why something cannot be done, and what is expected now with what has been typed."""
    lines = [Text(line, "bold red") for line in textwrap.wrap(desk.notice, width)]
    prompt = words.prompt(view, signs)
    asked = [Text(line) for line in textwrap.wrap(prompt, width - len(desk.typed) - 2)]
    asked[-1].append(f" {desk.typed}", "bold")
    asked[-1].append("_", "bold")
    return [*lines, *asked]


def _footer(view: View, width: int) -> Text:
    """The keys; narrow screens leave out those that the prompt speaks of."""
    enter = "take" if view.legal else "go on"
    keys = [*KEYS] if width < WIDE else [("Enter", enter), *KEYS, ("s", "scores")]
    if view.legal and width >= WIDE:
        keys.insert(0, ("arrows", "choose"))
    return Text("  ").join(Text.assemble((key, "bold"), (f" {what}", "dim")) for key, what in keys)


def _card(card: int, signs: Signs) -> Text:
    red = words.suit_of(card) in _RED_SUITS
    return Text(signs.card(card), "red" if red else "")


def _boxed(cell: Text, chosen: bool) -> Text:
    left, right = ("[", "]") if chosen else (" ", " ")
    box = Text.assemble(left, cell, right)
    if chosen:
        box.stylize("bold")
    return box


def _flow(label: str, cells: Iterable[Text], width: int) -> list[Text]:
    """Cells one after another behind a label, on as many lines as they need."""
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
    """Text lines, those that are too long broken at words; tables come without a width."""
    if width is None:
        return [Text(line) for line in lines]
    return [Text(part) for line in lines for part in textwrap.wrap(line, width) or [""]]


def _window(lines: Sequence[Text], scroll: int, room: int) -> list[Text]:
    """The lines from `scroll` on that there is room for; the end stays in sight."""
    start = min(scroll, max(len(lines) - room, 0))
    return list(lines[start : start + room])
