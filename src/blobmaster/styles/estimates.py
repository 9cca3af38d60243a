"""Estimates of the probability that a card takes a trick, from what its holder sees.

They follow from the number of unseen cards that beat the card, and from the share of the unseen
cards in an opponent's hand.
"""

from __future__ import annotations

from blobmaster.game.cards import CARDS, NO_TRUMP, RANKS, SUIT_RANKS
from blobmaster.game.rules import (
    BEST,
    HANDS,
    IN_TRICK,
    LEADER,
    PLAYERS,
    SEAT,
    SEEN,
    TABLE,
    TRUMP,
    VOIDS,
    State,
    beats,
)
from blobmaster.kernels.compile import inner_kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount

DECK = (1 << CARDS) - 1

MIN_TRUMP_VALUE = 0.4
"""Lowest estimate for a trump: it can take a trick of a suit in which its holder is void."""


@inner_kernel
def expected_tricks(state: State) -> float:
    """Sum the win probabilities of the acting seat's cards."""
    total = 0.0
    hand = state[HANDS + state[SEAT]]
    while hand != 0:
        total += win_probability(state, lowest_bit(hand))
        hand &= hand - 1
    return total


@inner_kernel
def win_probability(state: State, card: int) -> float:
    """Estimate the probability that the card takes a trick in which its suit is led."""
    suit = card // RANKS
    probability = _unbeaten_probability(state, card, suit, state[PLAYERS] - 1)
    if suit == state[TRUMP]:
        return max(probability, MIN_TRUMP_VALUE)
    return probability


@inner_kernel
def current_trick_probability(state: State, card: int) -> float:
    """Estimate the probability that the card takes the trick on the table."""
    if state[IN_TRICK] == 0:
        return _unbeaten_probability(state, card, card // RANKS, state[PLAYERS] - 1)
    if not beats(card, state[BEST], state[TRUMP]):
        return 0.0
    led = state[TABLE + state[LEADER]] // RANKS
    return _unbeaten_probability(state, card, led, state[PLAYERS] - 1 - state[IN_TRICK])


@inner_kernel
def sure_tricks(state: State) -> int:
    """Count the cards of a new hand that no card of their suit beats: an ace, then its king, ...

    Other cards' whereabouts are not counted, and trumps on plain suits are not feared.
    """
    count = 0
    hand = state[HANDS + state[SEAT]]
    for suit in range(CARDS // RANKS):
        ranks = (hand >> (RANKS * suit)) & SUIT_RANKS
        top = 1 << (RANKS - 1)
        while ranks & top != 0:
            count += 1
            top >>= 1
    return count


@inner_kernel
def _unbeaten_probability(state: State, card: int, led: int, opponents: int) -> float:
    """Estimate the probability that none of the next seats beats the card.

    The estimate treats each unseen card as independently in a given hand, with the same
    probability for all. Known voids are used.

    Args:
        state: `[STATE]`.
        card: the acting seat's card.
        led: the suit that is led.
        opponents: how many seats are still to play to the trick.
    """
    seat = state[SEAT]
    trump = state[TRUMP]
    suit = card // RANKS
    unseen = DECK & ~(state[SEEN] | state[HANDS + seat])
    # The probability that one given unseen card is not in one given hand; to the power of n, that
    # none of n cards is.
    absent = 1.0 - popcount(state[HANDS + seat]) / popcount(unseen)
    unbeaten = absent ** popcount(unseen & _higher(card))
    out_of_led = absent ** _in_suit(unseen, led)
    no_trump_card = 1.0 if trump == NO_TRUMP else absent ** _in_suit(unseen, trump)
    probability = 1.0
    for step in range(1, opponents + 1):
        # An opponent can beat the card with a higher card of its suit if it can follow, or, on a
        # plain suit, with any trump if it cannot.
        voids = state[VOIDS + (seat + step) % state[PLAYERS]]
        void = 1.0 if (voids >> led) & 1 else out_of_led
        if suit != led:
            # A trump on another suit: only an opponent who is void can beat it, with a higher one.
            probability *= 1.0 - void * (1.0 - unbeaten)
            continue
        if not (voids >> led) & 1:
            probability *= unbeaten
        if suit != trump and not (voids >> trump) & 1:
            probability *= 1.0 - void * (1.0 - no_trump_card)
    return probability


@inner_kernel
def _higher(card: int) -> int:
    """Return the mask of the higher cards of the same suit."""
    # All bits below the next suit, less all bits up to the card itself.
    top = RANKS * (card // RANKS + 1)
    return (1 << top) - (2 << card)


@inner_kernel
def _in_suit(mask: int, suit: int) -> int:
    """Count the mask's cards of a suit."""
    return popcount((mask >> (RANKS * suit)) & SUIT_RANKS)
