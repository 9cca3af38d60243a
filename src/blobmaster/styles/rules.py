"""The rules by which every style chooses: one kernel, and a row of parameters per style.

All styles share the heuristic player's estimates.

- Bid: by default the sum of the estimates over the hand.
- Play while tricks are missing: by default the card after which the expected total is nearest to
  the bid.
- Play once the bid is reached: by default the card that is least likely to take a trick, now or
  later.

Ties go to the suit that comes last in the network's canonical order of suits. So a player keeps
its trumps, and renaming the suits does not change its play, except for careless choices.

The heuristic's four constants were tuned by matches between variants, with 4 × 5 and 5 × 7 cards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import RANKS, SUITS
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    FIRST_BID,
    IN_TRICK,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    TABLE,
    TRICKS,
    TRUMP,
    WINNER,
    State,
    forbidden_bid,
    is_bidding,
    legal_actions,
    legal_cards,
)
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit
from blobmaster.kernels.rng import Stream, below, normal, uniform
from blobmaster.model.features import Slots, canonical_slots
from blobmaster.styles.catalogue import (
    BY_ESTIMATE,
    DUCK,
    EVEN_SHARE,
    EXACTLY,
    HIGH_FIRST,
    LOW_FIRST,
    SABOTAGE,
    STYLES,
    SURE_TRICKS,
    TAKE,
)
from blobmaster.styles.estimates import (
    current_trick_probability,
    expected_tricks,
    sure_tricks,
    win_probability,
)

BID_CAUTION = 0.1
"""Tricks subtracted from the estimate of a hand: low bids are easier to make than high ones."""

OVERBID_WEIGHT = 0.2
"""Tricks subtracted per trick that the earlier bids exceed an even share of the round."""

FUTURE_TRICK_WEIGHT = 0.4
"""Weight of a later trick relative to one now, for a seat that has reached its bid."""

TOLERANCE = 1e-9
"""Treat smaller differences as ties: the order of summation depends on the names of the suits."""

# A style's parameters as a row of numbers, which kernels compile in.
_BID_BIAS, _BID_NOISE, _CARELESS = range(3)
_PARAMETERS = np.array([[s.bid_bias, s.bid_noise, s.careless] for s in STYLES])
_BID_RULE, _UNTIL_MET, _ONCE_MET = range(3)
_RULES = np.array([[s.bid_rule, s.until_met, s.once_met] for s in STYLES])


@kernel
def choose_all_by_style(
    states: State, style: int, streams: npt.NDArray[np.uint64], actions: npt.NDArray[np.int64]
) -> None:
    """Write the choice for each of `[rows, STATE]` into `actions` (`[rows]`)."""
    for row in range(len(states)):
        actions[row] = choose_by_style(states[row], style, streams[row])


@kernel
def choose_by_style(state: State, style: int, stream: Stream) -> int:
    """Choose an action for the acting seat.

    Args:
        state: `[STATE]`, with at least two legal actions. The other seats' hands are not read.
        style: an index of `STYLES`.
        stream: for the styles that draw; the others leave it as it is.
    """
    careless = _PARAMETERS[style, _CARELESS]
    if careless > 0.0 and uniform(stream) < careless:
        legal = np.empty(MAX_LEGAL, np.int64)
        return legal[below(stream, legal_actions(state, legal))]
    if is_bidding(state):
        return FIRST_BID + _choose_bid(state, style, stream)
    return _choose_card(state, style)


@inner_kernel
def _choose_bid(state: State, style: int, stream: Stream) -> int:
    cards = state[DEALT]
    wanted = _wanted_tricks(state, style, stream)
    bid = min(max(int(np.floor(wanted + 0.5 + TOLERANCE)), 0), cards)
    if bid != forbidden_bid(state):
        return bid
    # The dealer may not make this bid: take the neighbour on the side of the estimate.
    if bid == 0 or (wanted > bid and bid < cards):
        return bid + 1
    return bid - 1


@inner_kernel
def _wanted_tricks(state: State, style: int, stream: Stream) -> float:
    """Return the bid before rounding."""
    rule = _RULES[style, _BID_RULE]
    if rule == SURE_TRICKS:
        return float(sure_tricks(state))
    if rule == EVEN_SHARE:
        return state[DEALT] / state[PLAYERS]
    if rule != BY_ESTIMATE:
        return 0.0
    bid_sum = 0
    bidders = 0
    for seat in range(state[PLAYERS]):
        if state[BIDS + seat] >= 0:
            bid_sum += state[BIDS + seat]
            bidders += 1
    excess = bid_sum - state[DEALT] * bidders / state[PLAYERS]
    wanted = expected_tricks(state) - BID_CAUTION - OVERBID_WEIGHT * excess
    wanted += _PARAMETERS[style, _BID_BIAS]
    noise = _PARAMETERS[style, _BID_NOISE]
    if noise > 0.0:
        wanted += noise * normal(stream)
    return wanted


@kernel
def _choose_card(state: State, style: int) -> int:
    seat = state[SEAT]
    need = state[BIDS + seat] - state[TRICKS + seat]
    aim = _RULES[style, _UNTIL_MET if need > 0 else _ONCE_MET]
    if aim == SABOTAGE:
        aim = _aim_of_sabotage(state, need)
    expected = expected_tricks(state)
    slots = np.empty(SUITS, np.int64)
    canonical_slots(state, seat, slots)
    chosen = -1
    lowest = np.inf
    options = legal_cards(state)
    while options != 0:
        card = lowest_bit(options)
        options &= options - 1
        cost = _cost(state, card, aim, need, expected)
        if cost < lowest - TOLERANCE or (
            cost < lowest + TOLERANCE and _tie_order(card, slots) < _tie_order(chosen, slots)
        ):
            lowest = cost
            chosen = card
    return chosen


@inner_kernel
def _cost(state: State, card: int, aim: int, need: int, expected: float) -> float:
    """Return the cost of playing the card, to a seat with `need` missing and `expected` tricks."""
    if aim in (HIGH_FIRST, LOW_FIRST):
        height = card % RANKS + (RANKS if card // RANKS == state[TRUMP] else 0)
        return float(-height if aim == HIGH_FIRST else height)
    now = current_trick_probability(state, card)
    if aim == TAKE:
        return -now
    # A card that is played now takes no trick later.
    later = expected - win_probability(state, card)
    if aim == EXACTLY:
        return abs(need - now - later)
    return now + FUTURE_TRICK_WEIGHT * later


@inner_kernel
def _aim_of_sabotage(state: State, need: int) -> int:
    """Return the aim that harms the highest bidder among the other seats in this trick."""
    seat = state[SEAT]
    players = state[PLAYERS]
    victim = (seat + 1) % players
    for step in range(2, players):
        other = (seat + step) % players
        if state[BIDS + other] > state[BIDS + victim]:
            victim = other
    is_short = state[BIDS + victim] > state[TRICKS + victim]
    if state[IN_TRICK] == 0 or state[TABLE + victim] < 0:
        # It is still to play: beat it to a trick that it needs, or leave it one too many.
        return TAKE if is_short else LOW_FIRST
    if state[WINNER] == victim:
        return TAKE if is_short else DUCK
    return EXACTLY if need > 0 else DUCK


@inner_kernel
def _tie_order(card: int, slots: Slots) -> int:
    """Rank a card among tied ones, lowest first: canonical slots from the last, low ranks first."""
    return card % RANKS - RANKS * slots[card // RANKS]
