"""A seat's knowledge of the other hands: their sizes, and the cards that may be in them.

The kernels here read only the public fields of a state and the observer's own hand, so a true hand
cannot leak into a sampled world. Undealt cards are hidden in the same way as cards in other hands.
"""

from __future__ import annotations

from blobmaster.game.cards import CARDS, RANKS, SUIT_RANKS, SUITS
from blobmaster.game.rules import (
    ACTIONS,
    DEALT,
    HANDS,
    IN_TRICK,
    PLAYERS,
    SEEN,
    TABLE,
    State,
)
from blobmaster.kernels.compile import inner_kernel, kernel

ALL_CARDS = (1 << CARDS) - 1


@kernel
def hidden_cards(state: State, observer: int) -> int:
    """Return the mask of cards that `observer` has not seen: other hands and undealt cards."""
    return ALL_CARDS & ~(state[SEEN] | state[HANDS + observer])


@kernel
def hand_size(state: State, seat: int) -> int:
    """Return the number of cards that `seat` still holds, counted from the public plays."""
    # Not the number of bits of its hand: a search may start from a state without the other hands.
    plays = max(state[ACTIONS] - state[PLAYERS], 0)
    tricks = (plays - state[IN_TRICK]) // state[PLAYERS]
    if state[TABLE + seat] >= 0:
        return state[DEALT] - tricks - 1
    return state[DEALT] - tricks


@inner_kernel
def cards_of_suits(suits: int) -> int:
    """Return the mask of all cards of some suits, given as a mask of 4 bits."""
    cards = 0
    for suit in range(SUITS):
        if (suits >> suit) & 1 != 0:
            cards |= SUIT_RANKS << (RANKS * suit)
    return cards
