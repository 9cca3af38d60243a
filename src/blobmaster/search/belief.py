"""What a seat knows of the other hands: how many cards they have, and which are hidden there.

Every kernel reads the public fields of a state and the observer's own hand alone, so that a true
hand cannot leak through here into a sampled world. Cards that were not dealt are hidden like
those in other hands.
"""

from __future__ import annotations

from blobmaster.game.cards import CARDS, RANKS, SUIT_RANKS, SUITS
from blobmaster.game.rules import (
    ACTIONS,
    HANDS,
    IN_TRICK,
    PLAYERS,
    ROUND,
    SEEN,
    TABLE,
    State,
)
from blobmaster.kernels.compile import kernel

ALL_CARDS = (1 << CARDS) - 1


@kernel
def hidden_cards(state: State, observer: int) -> int:
    """The mask of cards that `observer` has not seen: other hands and the undealt cards."""
    return ALL_CARDS & ~(state[SEEN] | state[HANDS + observer])


@kernel
def hand_size(state: State, seat: int) -> int:
    """The cards that `seat` still holds, counted from what has been played."""
    plays = max(state[ACTIONS] - state[PLAYERS], 0)
    tricks = (plays - state[IN_TRICK]) // state[PLAYERS]
    if state[TABLE + seat] >= 0:
        return state[ROUND] - tricks - 1
    return state[ROUND] - tricks


@kernel
def cards_of_suits(suits: int) -> int:
    """The mask of all cards of the suits in a mask of 4 bits."""
    cards = 0
    for suit in range(SUITS):
        if (suits >> suit) & 1 != 0:
            cards |= SUIT_RANKS << (RANKS * suit)
    return cards
