"""Endings with open hands, made from card names, and an exhaustive solver.

max^n does not say how a seat chooses between equally good actions, so the solver returns every
result that some choice leads to.
"""

from __future__ import annotations

import numpy as np
from positions import cards, legal_of, played

from blobmaster.game.cards import NO_TRUMP, SUIT_SYMBOLS
from blobmaster.game.rules import FIRST_BID, HANDS, PLAYERS, SEAT, apply, is_over, new_round
from blobmaster.game.scoring import points

# The position before a choice, and the one right card. The name gives the reason.
ENDINGS = {
    "duck": ("-", ["K♥ 3♠", "Q♥ 4♠", "A♥ 2♥"], [1, 0, 0], "K♥ Q♥", "2♥"),
    "win cheaply, to win again": ("-", ["5♥ K♥", "3♥ Q♠", "7♥ A♥"], [0, 1, 2], "5♥ 3♥", "7♥"),
    "win dearly, to lose next": ("-", ["5♥ T♥", "3♥ Q♠", "7♥ A♥"], [1, 1, 1], "5♥ 3♥", "A♥"),
    "trump": ("♠", ["K♥ Q♦", "Q♥ 3♦", "2♠ A♦"], [0, 1, 2], "K♥ Q♥", "2♠"),
    "avoid the overtrick": ("♠", ["K♥ A♠", "Q♥ 4♦", "2♠ 3♦"], [1, 0, 0], "K♥ Q♥", "3♦"),
    "avoid the second trick": (
        "♦",
        ["3♥ 7♥ K♠", "4♥ 8♥ Q♠", "5♥ A♥ 2♥"],
        [1, 2, 1],
        "3♥ 4♥ 5♥",
        "2♥",
    ),
    "unblock": ("-", ["A♥ 3♥", "4♥ 5♠", "K♥ 2♥"], [1, 0, 0], "A♥ 4♥", "K♥"),
    "keep the ace that will win": ("-", ["K♥ Q♠", "Q♥ J♦", "A♦ A♠"], [1, 1, 1], "K♥ Q♥", "A♦"),
    "keep the ace that will lose": ("-", ["K♥ Q♠", "Q♥ J♦", "A♦ A♠"], [1, 0, 0], "K♥ Q♥", "A♠"),
    "lead low": ("-", ["2♥ A♠", "5♥ 6♣", "4♥ 6♠"], [0, 2, 1], "", "2♥"),
    "over-trump": ("♠", ["K♥ 2♦", "3♠ 4♦", "5♠ A♦"], [0, 1, 2], "K♥ 3♠", "5♠"),
}

# Found by enumeration. If the others played against seat 0, every card would lose; if they helped,
# every card would win. Only the named card wins while each seat maximises its own points.
SELFISH = {
    "lead a diamond": ("♣", ["Q♥ T♦ K♦", "J♠ K♠ A♣", "T♠ T♥ J♦"], [0, 2, 0], "", "T♦"),
    "lead the queen": ("♠", ["Q♦ A♠ Q♠", "T♣ A♣ K♥", "J♠ T♠ K♠"], [2, 0, 2], "", "Q♦"),
    "trump at once": ("♣", ["J♠ K♠ A♠", "T♥ Q♥ A♣", "K♥ J♣ K♦"], [2, 2, 1], "K♠", "A♣"),
}

Result = tuple[int, ...]
"""Each seat's points."""


def ending(trump: str, hands: list[str], bids: list[int], plays: str = "") -> np.ndarray:
    """Return a round after these bids and plays, dealt by the last seat; trump is a suit or `-`."""
    players = len(hands)
    number = NO_TRUMP if trump == "-" else SUIT_SYMBOLS.index(trump)
    dealt = [cards(hand) for hand in hands]
    state = new_round(players, len(dealt[0]), number, players - 1, dealt)
    for action in [FIRST_BID + bid for bid in bids] + cards(plays):
        assert action in legal_of(state)
        apply(state, action)
    return state


def results(state: np.ndarray) -> set[Result]:
    """Return every result of the state when each seat maximises its own points."""
    if is_over(state):
        return {tuple(int(points(state, seat)) for seat in range(state[PLAYERS]))}
    return {result for found in good_actions(state).values() for result in found}


def good_actions(state: np.ndarray) -> dict[int, set[Result]]:
    """Return the actions that may maximise the acting seat's points, with their results."""
    seat = state[SEAT]
    found = {action: results(played(state, action)) for action in legal_of(state)}
    surest = max(min(result[seat] for result in each) for each in found.values())
    return {
        action: each
        for action, each in found.items()
        if max(result[seat] for result in each) >= surest
    }


def only_good_action(state: np.ndarray) -> int | None:
    """Return the action that is best however the others choose between equals, if any."""
    good = good_actions(state)
    if len(good) > 1:
        return None
    return next(iter(good))


def open_hands(state: np.ndarray) -> int:
    """Return the mask of all cards still in hands."""
    return int(sum(state[HANDS : HANDS + state[PLAYERS]]))
