"""A player by rule of thumb: it counts the tricks that its cards are likely to take.

One estimate carries both halves of its play: the chance that nobody beats a card, from how many
unseen cards do and how many of the unseen cards a rival holds. It bids the sum over its hand. Then,
while it needs tricks, it plays the card after which it expects to end nearest to its bid; once it
has them, the card that is least likely to take another, now or later. Of cards that are as good, it
plays one of the suit that comes last in the order in which a network sees them: it keeps its
trumps, and the suits' names are nothing to it.

The four constants were chosen by play among themselves, 4 × 5 and 5 × 7 cards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, NO_TRUMP, RANKS, SUIT_RANKS, SUITS
from blobmaster.game.rules import (
    BEST,
    BIDS,
    FIRST_BID,
    HANDS,
    IN_TRICK,
    LEADER,
    PLAYERS,
    ROUND,
    SEAT,
    SEEN,
    TABLE,
    TRICKS,
    TRUMP,
    VOIDS,
    State,
    beats,
    forbidden_bid,
    is_bidding,
    legal_cards,
)
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount
from blobmaster.model.features import Slots, canonical_slots

PACK = (1 << CARDS) - 1

TRUMP_WORTH = 0.4
"""The least that any trump is worth: it takes tricks of suits that its holder is out of."""

CAUTION = 0.1
"""Tricks taken off a hand's worth: a bid that is too low is easier kept than one too high."""

HEED = 0.2
"""The share of what the others have bid beyond their part that is taken off too."""

LATER = 0.4
"""What a later trick counts against one now, for a seat that wants no more."""

ROUNDING = 1e-9
"""Sums over a hand that differ by less are equal: their order follows the suits' names."""


@kernel
def choose_by_rule(states: State, actions: npt.NDArray[np.int64]) -> None:
    """Write the rule's choice for each of `[rows, STATE]` into `actions` (`[rows]`)."""
    for row in range(len(states)):
        if is_bidding(states[row]):
            actions[row] = FIRST_BID + _choose_bid(states[row])
        else:
            actions[row] = _choose_card(states[row])


@kernel
def _choose_bid(state: State) -> int:
    cards = state[ROUND]
    said = 0
    told = 0
    for seat in range(state[PLAYERS]):
        if state[BIDS + seat] >= 0:
            said += state[BIDS + seat]
            told += 1
    beyond = said - cards * told / state[PLAYERS]
    worth = _hand_worth(state) - CAUTION - HEED * beyond
    bid = min(max(int(np.floor(worth + 0.5 + ROUNDING)), 0), cards)
    if bid != forbidden_bid(state):
        return bid
    if bid == 0 or (worth > bid and bid < cards):
        return bid + 1
    return bid - 1


@kernel
def _choose_card(state: State) -> int:
    seat = state[SEAT]
    need = state[BIDS + seat] - state[TRICKS + seat]
    worth = _hand_worth(state)
    slots = np.empty(SUITS, np.int64)
    canonical_slots(state, seat, slots)
    chosen = -1
    least = np.inf
    options = legal_cards(state)
    while options != 0:
        card = lowest_bit(options)
        options &= options - 1
        now = _chance_to_take(state, card)
        later = worth - _card_worth(state, card)
        off = abs(need - now - later) if need > 0 else now + LATER * later
        if off < least - ROUNDING or (
            off < least + ROUNDING and _place(card, slots) < _place(chosen, slots)
        ):
            least = off
            chosen = card
    return chosen


@kernel
def _place(card: int, slots: Slots) -> int:
    """A card's place among cards that are as good: trumps last, in each suit the lowest first."""
    return card % RANKS - RANKS * slots[card // RANKS]


@kernel
def _hand_worth(state: State) -> float:
    """The tricks that the acting seat's hand is likely to take."""
    total = 0.0
    hand = state[HANDS + state[SEAT]]
    while hand != 0:
        total += _card_worth(state, lowest_bit(hand))
        hand &= hand - 1
    return total


@kernel
def _card_worth(state: State, card: int) -> float:
    """The chance that the card takes a trick in which its suit is led."""
    suit = card // RANKS
    worth = _chance_to_hold(state, card, suit, state[PLAYERS] - 1)
    if suit == state[TRUMP]:
        return max(worth, TRUMP_WORTH)
    return worth


@kernel
def _chance_to_take(state: State, card: int) -> float:
    """The chance that the card takes the trick on the table."""
    if state[IN_TRICK] == 0:
        return _chance_to_hold(state, card, card // RANKS, state[PLAYERS] - 1)
    if not beats(card, state[BEST], state[TRUMP]):
        return 0.0
    led = state[TABLE + state[LEADER]] // RANKS
    return _chance_to_hold(state, card, led, state[PLAYERS] - 1 - state[IN_TRICK])


@kernel
def _chance_to_hold(state: State, card: int, led: int, rivals: int) -> float:
    """The chance that none of the next `rivals` seats beats the card in a trick of suit `led`.

    Unseen cards are taken to be spread over the hands and the undealt ones independently.
    """
    seat = state[SEAT]
    trump = state[TRUMP]
    suit = card // RANKS
    unseen = PACK & ~(state[SEEN] | state[HANDS + seat])
    absent = 1.0 - popcount(state[HANDS + seat]) / popcount(unseen)
    unbeaten = absent ** popcount(unseen & _higher(card))
    out_of_led = absent ** _in_suit(unseen, led)
    no_trump_card = 1.0 if trump == NO_TRUMP else absent ** _in_suit(unseen, trump)
    chance = 1.0
    for step in range(1, rivals + 1):
        voids = state[VOIDS + (seat + step) % state[PLAYERS]]
        void = 1.0 if (voids >> led) & 1 else out_of_led
        if suit != led:  # a trump on another suit
            chance *= 1.0 - void * (1.0 - unbeaten)
            continue
        if not (voids >> led) & 1:
            chance *= unbeaten
        if suit != trump and not (voids >> trump) & 1:
            chance *= 1.0 - void * (1.0 - no_trump_card)
    return chance


@kernel
def _higher(card: int) -> int:
    """The mask of the cards of its suit that beat the card."""
    top = RANKS * (card // RANKS + 1)
    return (1 << top) - (2 << card)


@kernel
def _in_suit(mask: int, suit: int) -> int:
    """How many of the mask's cards are of the suit."""
    return popcount((mask >> (RANKS * suit)) & SUIT_RANKS)
