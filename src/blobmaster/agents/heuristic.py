"""The heuristic player: it estimates how many tricks its cards will take.

Bids and plays share one estimate, the probability that nobody beats a card. It follows from the
number of unseen cards that beat the card and the share of unseen cards in an opponent's hand.

- Bid: the sum of the estimates over the hand.
- Play while tricks are missing: the card after which the expected total is nearest to the bid.
- Play once the bid is reached: the card that is least likely to take a trick, now or later.

Ties go to the suit that comes last in the network's canonical order of suits. So the player keeps
its trumps, and renaming the suits does not change its play.

The four constants were tuned by matches between variants, with 4 × 5 and 5 × 7 cards.
"""

from __future__ import annotations

import numpy as np

from blobmaster.agents.base import Actions, AgentMaker, Streams
from blobmaster.agents.factory import OpponentRequest
from blobmaster.game.cards import CARDS, NO_TRUMP, RANKS, SUIT_RANKS, SUITS
from blobmaster.game.rules import (
    BEST,
    BIDS,
    DEALT,
    FIRST_BID,
    HANDS,
    IN_TRICK,
    LEADER,
    PLAYERS,
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
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount
from blobmaster.model.features import Slots, canonical_slots

DECK = (1 << CARDS) - 1

MIN_TRUMP_VALUE = 0.4
"""Lowest estimate for a trump: it can take a trick of a suit in which its holder is void."""

BID_CAUTION = 0.1
"""Tricks subtracted from the estimate of a hand: low bids are easier to make than high ones."""

OVERBID_WEIGHT = 0.2
"""Tricks subtracted per trick that the earlier bids exceed an even share of the round."""

FUTURE_TRICK_WEIGHT = 0.4
"""Weight of a later trick relative to one now, for a seat that has reached its bid."""

TOLERANCE = 1e-9
"""Treat smaller differences as ties: the order of summation depends on the names of the suits."""


class HeuristicAgent:
    """Plays by the module's estimate; it is deterministic."""

    def choose(self, states: State, streams: Streams) -> Actions:  # noqa: ARG002 (draws nothing)
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        choose_by_heuristic(states, actions)
        return actions


def make_heuristic(request: OpponentRequest) -> AgentMaker:  # noqa: ARG001 (all are alike)
    """Make the opponent `heuristic`."""
    return lambda _: HeuristicAgent()


@kernel
def choose_by_heuristic(states: State, actions: Actions) -> None:
    """Write the choice for each of `[rows, STATE]` into `actions` (`[rows]`)."""
    for row in range(len(states)):
        if is_bidding(states[row]):
            actions[row] = FIRST_BID + _choose_bid(states[row])
        else:
            actions[row] = _choose_card(states[row])


@inner_kernel
def _choose_bid(state: State) -> int:
    cards = state[DEALT]
    bid_sum = 0
    bidders = 0
    for seat in range(state[PLAYERS]):
        if state[BIDS + seat] >= 0:
            bid_sum += state[BIDS + seat]
            bidders += 1
    excess = bid_sum - cards * bidders / state[PLAYERS]
    expected = _expected_tricks(state) - BID_CAUTION - OVERBID_WEIGHT * excess
    bid = min(max(int(np.floor(expected + 0.5 + TOLERANCE)), 0), cards)
    if bid != forbidden_bid(state):
        return bid
    # The dealer may not make this bid: take the neighbour on the side of the estimate.
    if bid == 0 or (expected > bid and bid < cards):
        return bid + 1
    return bid - 1


@kernel
def _choose_card(state: State) -> int:
    seat = state[SEAT]
    need = state[BIDS + seat] - state[TRICKS + seat]
    expected = _expected_tricks(state)
    slots = np.empty(SUITS, np.int64)
    canonical_slots(state, seat, slots)
    chosen = -1
    lowest = np.inf
    options = legal_cards(state)
    while options != 0:
        card = lowest_bit(options)
        options &= options - 1
        now = _current_trick_probability(state, card)
        # A card that is played now takes no trick later.
        later = expected - _win_probability(state, card)
        cost = abs(need - now - later) if need > 0 else now + FUTURE_TRICK_WEIGHT * later
        if cost < lowest - TOLERANCE or (
            cost < lowest + TOLERANCE and _tie_order(card, slots) < _tie_order(chosen, slots)
        ):
            lowest = cost
            chosen = card
    return chosen


@inner_kernel
def _tie_order(card: int, slots: Slots) -> int:
    """Rank a card among tied ones, lowest first: canonical slots from the last, low ranks first."""
    return card % RANKS - RANKS * slots[card // RANKS]


@inner_kernel
def _expected_tricks(state: State) -> float:
    """Sum the win probabilities of the acting seat's cards."""
    total = 0.0
    hand = state[HANDS + state[SEAT]]
    while hand != 0:
        total += _win_probability(state, lowest_bit(hand))
        hand &= hand - 1
    return total


@inner_kernel
def _win_probability(state: State, card: int) -> float:
    """Estimate the probability that the card takes a trick in which its suit is led."""
    suit = card // RANKS
    probability = _unbeaten_probability(state, card, suit, state[PLAYERS] - 1)
    if suit == state[TRUMP]:
        return max(probability, MIN_TRUMP_VALUE)
    return probability


@inner_kernel
def _current_trick_probability(state: State, card: int) -> float:
    """Estimate the probability that the card takes the trick on the table."""
    if state[IN_TRICK] == 0:
        return _unbeaten_probability(state, card, card // RANKS, state[PLAYERS] - 1)
    if not beats(card, state[BEST], state[TRUMP]):
        return 0.0
    led = state[TABLE + state[LEADER]] // RANKS
    return _unbeaten_probability(state, card, led, state[PLAYERS] - 1 - state[IN_TRICK])


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
