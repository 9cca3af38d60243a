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

import math

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
    legal_count,
)
from blobmaster.game.styles import (
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
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit
from blobmaster.kernels.rng import Stream, below, normal, uniform
from blobmaster.model.features import Slots, canonical_slots
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
_AIMS = SABOTAGE + 1
# Styles that bid alike, numbered: many varied styles differ in their play only.
_MANNER_OF = np.unique(
    [[s.bid_rule, s.bid_bias, s.bid_noise] for s in STYLES], axis=0, return_inverse=True
)[1].ravel()
_MANNERS = int(_MANNER_OF.max()) + 1


@kernel
def choose_all_by_style(
    states: State, style: int, streams: npt.NDArray[np.uint64], actions: npt.NDArray[np.int64]
) -> None:
    """Write the choice for each of `[rows, STATE]` into `actions` (`[rows]`)."""
    for row in range(len(states)):
        actions[row] = choose_by_style(states[row], style, streams[row])


@kernel
def write_style_chances(state: State, action: int, chances: npt.NDArray[np.float64]) -> None:
    """Write the probability that each style gives to a legal action of the acting seat.

    Args:
        state: `[STATE]`, at a choice. The other seats' hands are not read.
        action: one of the legal actions.
        chances: overwritten, `[len(STYLES)]`.
    """
    if is_bidding(state):
        _write_chances_of_bid(state, action - FIRST_BID, chances)
    else:
        _write_chances_of_card(state, action, chances)
    count = legal_count(state)
    for style in range(len(_RULES)):
        careless = _PARAMETERS[style, _CARELESS]
        chances[style] = (1.0 - careless) * chances[style] + careless / count


@kernel
def _write_chances_of_bid(state: State, bid: int, chances: npt.NDArray[np.float64]) -> None:
    estimate = _estimated_bid(state)
    by_manner = np.full(_MANNERS, -1.0)
    for style in range(len(_RULES)):
        manner = _MANNER_OF[style]
        if by_manner[manner] < 0.0:
            wanted = _wanted_tricks(state, style, estimate)
            by_manner[manner] = _chance_of_bid(state, style, wanted, bid)
        chances[style] = by_manner[manner]


@kernel
def _write_chances_of_card(state: State, card: int, chances: npt.NDArray[np.float64]) -> None:
    seat = state[SEAT]
    need = state[BIDS + seat] - state[TRICKS + seat]
    expected = expected_tricks(state)
    slots = np.empty(SUITS, np.int64)
    canonical_slots(state, seat, slots)
    # Many styles share an aim, and its choice is what takes time: each is made once.
    chosen = np.full(_AIMS, -1, np.int64)
    for style in range(len(_RULES)):
        aim = _aim_of(state, style, need)
        if chosen[aim] < 0:
            chosen[aim] = _choose_card_by_aim(state, aim, need, expected, slots)
        chances[style] = 1.0 if chosen[aim] == card else 0.0


@inner_kernel
def _chance_of_bid(state: State, style: int, wanted: float, bid: int) -> float:
    noise = _PARAMETERS[style, _BID_NOISE]
    if noise == 0.0:
        return 1.0 if _bid_nearest_to(state, wanted) == bid else 0.0
    # With noise the wanted tricks are normally distributed: a bid has the share of those that round
    # to it, or of all beyond it if it is the lowest or the highest.
    forbidden = forbidden_bid(state)
    low = -np.inf if bid == 0 else bid - 0.5
    high = np.inf if bid == state[DEALT] else bid + 0.5
    # A forbidden bid goes to its neighbours: half of its range to each, or all of it to the only
    # one.
    if forbidden >= 0 and forbidden == bid - 1:
        low = -np.inf if forbidden == 0 else bid - 1.0
    elif forbidden >= 0 and forbidden == bid + 1:
        high = np.inf if forbidden == state[DEALT] else bid + 1.0
    return _normal_share(high, wanted, noise) - _normal_share(low, wanted, noise)


@inner_kernel
def _normal_share(end: float, mean: float, deviation: float) -> float:
    """Return the share of a normal distribution below `end`."""
    if end == np.inf:
        return 1.0
    if end == -np.inf:
        return 0.0
    return 0.5 * (1.0 + math.erf((end - mean) / (deviation * math.sqrt(2.0))))


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
    estimate = _estimated_bid(state) if _RULES[style, _BID_RULE] == BY_ESTIMATE else 0.0
    wanted = _wanted_tricks(state, style, estimate)
    noise = _PARAMETERS[style, _BID_NOISE]
    if noise > 0.0:
        wanted += noise * normal(stream)
    return _bid_nearest_to(state, wanted)


@inner_kernel
def _bid_nearest_to(state: State, wanted: float) -> int:
    cards = state[DEALT]
    bid = min(max(int(np.floor(wanted + 0.5 + TOLERANCE)), 0), cards)
    if bid != forbidden_bid(state):
        return bid
    # The dealer may not make this bid: take the neighbour on the side of the estimate.
    if bid == 0 or (wanted > bid and bid < cards):
        return bid + 1
    return bid - 1


@inner_kernel
def _estimated_bid(state: State) -> float:
    """Return the heuristic player's bid before rounding."""
    bid_sum = 0
    bidders = 0
    for seat in range(state[PLAYERS]):
        if state[BIDS + seat] >= 0:
            bid_sum += state[BIDS + seat]
            bidders += 1
    excess = bid_sum - state[DEALT] * bidders / state[PLAYERS]
    return expected_tricks(state) - BID_CAUTION - OVERBID_WEIGHT * excess


@inner_kernel
def _wanted_tricks(state: State, style: int, estimate: float) -> float:
    """Return a style's bid before noise and rounding; `estimate` is from `_estimated_bid`."""
    rule = _RULES[style, _BID_RULE]
    if rule == SURE_TRICKS:
        return float(sure_tricks(state))
    if rule == EVEN_SHARE:
        return state[DEALT] / state[PLAYERS]
    if rule != BY_ESTIMATE:
        return 0.0
    return estimate + _PARAMETERS[style, _BID_BIAS]


@kernel
def _choose_card(state: State, style: int) -> int:
    seat = state[SEAT]
    need = state[BIDS + seat] - state[TRICKS + seat]
    slots = np.empty(SUITS, np.int64)
    canonical_slots(state, seat, slots)
    aim = _aim_of(state, style, need)
    return _choose_card_by_aim(state, aim, need, expected_tricks(state), slots)


@inner_kernel
def _aim_of(state: State, style: int, need: int) -> int:
    """Return a style's aim for a card; never `SABOTAGE`, which stands for another aim."""
    aim = _RULES[style, _UNTIL_MET if need > 0 else _ONCE_MET]
    return _aim_of_sabotage(state, need) if aim == SABOTAGE else aim


@inner_kernel
def _choose_card_by_aim(state: State, aim: int, need: int, expected: float, slots: Slots) -> int:
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
