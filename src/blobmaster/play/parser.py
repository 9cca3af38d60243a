"""Parses typed commands; an illegal move is rejected with the rule that forbids it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from blobmaster.game.rules import FIRST_BID
from blobmaster.play.card_text import SUIT_NAMES, Symbols, read_card
from blobmaster.play.texts import name, suit_of
from blobmaster.play.view import View


@dataclass(frozen=True)
class TakeAction:
    """Take a legal action."""

    action: int


@dataclass(frozen=True)
class DealNext:
    """Deal the next round."""


Page = Literal["table", "advice", "help", "scores"]


@dataclass(frozen=True)
class OpenPage:
    """Open a page."""

    page: Page


@dataclass(frozen=True)
class Quit:
    """Leave the game; it can be resumed."""


@dataclass(frozen=True)
class Rejection:
    """A rejected command, with one line that names the rule."""

    reason: str


Command = TakeAction | DealNext | OpenPage | Quit | Rejection

_COMMANDS: Final[dict[str, Command]] = {
    "?": OpenPage("advice"),
    "h": OpenPage("help"),
    "help": OpenPage("help"),
    "s": OpenPage("scores"),
    "scores": OpenPage("scores"),
    "t": OpenPage("table"),
    "table": OpenPage("table"),
    "q": Quit(),
    "quit": Quit(),
    "exit": Quit(),
}
_BID: Final = re.compile(r"(?:b|bid)\s*(\S+)|([+-]?\d+)", re.IGNORECASE)
_PLAY: Final = re.compile(r"(?:p|play)\s+(.+)", re.IGNORECASE)


def parse_command(text: str, view: View, symbols: Symbols) -> Command:
    """Parse a typed line and check it against the rules."""
    typed = " ".join(text.split())
    if typed.lower() in _COMMANDS:
        return _COMMANDS[typed.lower()]
    if not typed:
        return default_command(view, symbols)
    if view.phase in ("round over", "game over"):
        return Rejection("The round is over: press Enter to continue, or type h for help.")
    if not view.my_turn:
        return Rejection(f"It is not your turn: {name(view, view.to_act)} is thinking.")
    return _parse_move(typed, view, symbols)


def default_command(view: View, symbols: Symbols) -> Command:
    """Return the command of an empty line: deal the next round, or make the only legal move."""
    if view.phase == "round over":
        return DealNext()
    if view.phase == "game over":
        return Quit()
    if len(view.legal) == 1:
        return TakeAction(view.legal[0])
    if not view.my_turn:
        return Rejection(f"It is not your turn: {name(view, view.to_act)} is thinking.")
    return Rejection(_expected(view, symbols))


def _parse_move(typed: str, view: View, symbols: Symbols) -> Command:
    card = read_card(_PLAY.sub(r"\1", typed))
    bid = None if card is not None else _BID.fullmatch(typed)
    if view.phase == "bidding":
        if card is not None:
            return Rejection(f"The bids come first. {_expected(view, symbols)}")
        return (
            _check_typed_bid(bid[1] or bid[2], view, symbols)
            if bid
            else _unknown(typed, view, symbols)
        )
    if card is not None:
        return check_card(card, view, symbols)
    if bid is not None and bid[1] is not None:
        return Rejection(f"The bids are made. {_expected(view, symbols)}")
    return _unknown(typed, view, symbols)


def _check_typed_bid(typed: str, view: View, symbols: Symbols) -> Command:
    if not re.fullmatch(r"[+-]?\d{1,9}", typed, re.ASCII):
        return Rejection(f"{_quoted(typed)} is not a number. {_expected(view, symbols)}")
    return check_bid(int(typed), view)


def check_bid(bid: int, view: View) -> Command:
    """Return the bid as an action, or the rule that forbids it."""
    cards = view.plan.cards
    if not 0 <= bid <= cards:
        tricks = "one trick" if cards == 1 else f"{cards} tricks"
        return Rejection(f"A bid is from 0 to {cards}: there are {tricks} in this round.")
    if bid == view.forbidden_bid:
        others = sum(made for made in view.bids if made is not None)
        return Rejection(
            f"You deal, so the bids may not add up to the {cards} cards dealt: the others bid "
            f"{others}, so you may not bid {bid}."
        )
    return TakeAction(FIRST_BID + bid)


def check_card(card: int, view: View, symbols: Symbols) -> Command:
    """Return the card as an action, or the rule that forbids it."""
    if card not in view.hand:
        return Rejection(f"{symbols.card(card)} is not in your hand.")
    if card not in view.legal:
        led = SUIT_NAMES[suit_of(view.trick[0].action)]
        return Rejection(
            f"You must follow suit: {led} were led, so play {symbols.cards(view.legal, ' or ')}."
        )
    return TakeAction(card)


def _unknown(typed: str, view: View, symbols: Symbols) -> Rejection:
    return Rejection(f"{_quoted(typed)} is not understood. {_expected(view, symbols)}")


def _quoted(typed: str) -> str:
    shown = "".join(letter if letter.isprintable() else "." for letter in typed)
    return f'"{shown[:20]}"'


def _expected(view: View, symbols: Symbols) -> str:
    if view.phase == "bidding":
        return f"Type a number from 0 to {view.plan.cards}, or h for help."
    return f"Type a card such as {symbols.card(view.legal[0])}, or h for help."
