"""What a person asks for: typed text understood, and the rule named that forbids a move."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from blobmaster.game.rules import FIRST_BID
from blobmaster.play.cardtext import SUIT_NAMES, Signs, read_card
from blobmaster.play.view import View
from blobmaster.play.words import name, suit_of


@dataclass(frozen=True)
class Act:
    """Take this legal action."""

    action: int


@dataclass(frozen=True)
class GoOn:
    """Deal the next round."""


Page = Literal["table", "advice", "help", "scores"]


@dataclass(frozen=True)
class Show:
    """Turn to a page."""

    page: Page


@dataclass(frozen=True)
class Leave:
    """Leave the game; it can be taken up again."""


@dataclass(frozen=True)
class Refusal:
    """It cannot be done, and why: one line that names the rule."""

    reason: str


Order = Act | GoOn | Show | Leave | Refusal

_COMMANDS: Final[dict[str, Order]] = {
    "?": Show("advice"),
    "h": Show("help"),
    "help": Show("help"),
    "s": Show("scores"),
    "scores": Show("scores"),
    "t": Show("table"),
    "table": Show("table"),
    "q": Leave(),
    "quit": Leave(),
    "exit": Leave(),
}
_BID: Final = re.compile(r"(?:b|bid)\s*(\S+)|([+-]?\d+)", re.IGNORECASE)
_PLAY: Final = re.compile(r"(?:p|play)\s+(.+)", re.IGNORECASE)


def understand(text: str, view: View, signs: Signs) -> Order:
    """What a line that was typed asks for, the rules considered."""
    typed = " ".join(text.split())
    if typed.lower() in _COMMANDS:
        return _COMMANDS[typed.lower()]
    if not typed:
        return go_on(view, signs)
    if view.phase in ("round over", "game over"):
        return Refusal("The round is over: Enter goes on, h lists what can be typed.")
    if not view.my_turn:
        return Refusal(f"It is not your turn: {name(view, view.to_act)} is thinking.")
    return _understand_move(typed, view, signs)


def go_on(view: View, signs: Signs) -> Order:
    """What Enter alone asks for: the next round, or the only move that there is."""
    if view.phase == "round over":
        return GoOn()
    if view.phase == "game over":
        return Leave()
    if len(view.legal) == 1:
        return Act(view.legal[0])
    if not view.my_turn:
        return Refusal(f"It is not your turn: {name(view, view.to_act)} is thinking.")
    return Refusal(_expected(view, signs))


def _understand_move(typed: str, view: View, signs: Signs) -> Order:
    card = read_card(_PLAY.sub(r"\1", typed))
    bid = None if card is not None else _BID.fullmatch(typed)
    if view.phase == "bidding":
        if card is not None:
            return Refusal(f"The bids come first. {_expected(view, signs)}")
        return _judge_bid(bid[1] or bid[2], view, signs) if bid else _unknown(typed, view, signs)
    if card is not None:
        return judge_card(card, view, signs)
    if bid is not None and bid[1] is not None:
        return Refusal(f"The bids are made. {_expected(view, signs)}")
    return _unknown(typed, view, signs)


def _judge_bid(typed: str, view: View, signs: Signs) -> Order:
    if not re.fullmatch(r"[+-]?\d{1,9}", typed, re.ASCII):
        return Refusal(f"{_quoted(typed)} is not a number. {_expected(view, signs)}")
    return judge_bid(int(typed), view)


def judge_bid(bid: int, view: View) -> Order:
    """The bid as an action, or the rule that forbids it."""
    cards = view.plan.cards
    if not 0 <= bid <= cards:
        tricks = "one trick" if cards == 1 else f"{cards} tricks"
        return Refusal(f"A bid is from 0 to {cards}: there are {tricks} in this round.")
    if bid == view.forbidden_bid:
        others = sum(made for made in view.bids if made is not None)
        return Refusal(
            f"You deal, so the bids may not add up to the {cards} cards dealt: the others bid "
            f"{others}, so you may not bid {bid}."
        )
    return Act(FIRST_BID + bid)


def judge_card(card: int, view: View, signs: Signs) -> Order:
    """The card as an action, or the rule that forbids it."""
    if card not in view.hand:
        return Refusal(f"{signs.card(card)} is not in your hand.")
    if card not in view.legal:
        led = SUIT_NAMES[suit_of(view.trick[0].action)]
        return Refusal(
            f"You must follow suit: {led} were led, so play {signs.cards(view.legal, ' or ')}."
        )
    return Act(card)


def _unknown(typed: str, view: View, signs: Signs) -> Refusal:
    return Refusal(f"{_quoted(typed)} is not understood. {_expected(view, signs)}")


def _quoted(typed: str) -> str:
    shown = "".join(letter if letter.isprintable() else "." for letter in typed)
    return f'"{shown[:20]}"'


def _expected(view: View, signs: Signs) -> str:
    if view.phase == "bidding":
        return f"Type a number from 0 to {view.plan.cards}, or h for help."
    return f"Type a card such as {signs.card(view.legal[0])}, or h for help."
