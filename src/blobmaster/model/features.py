"""Encodes a round for the network: what a seat sees for the actor, all hands for the critic.

Apart from trump and the led suit, suits are interchangeable in Blob. So a state is encoded in
canonical suit slots: trump first if there is one, the other suits ordered by all that the observer
knows of them. Two situations that differ by a renaming of suits have the same encoding. Seats are
relative to the observer: 0 is the observer, 1 the seat to its left, and so on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import (
    CARDS,
    MAX_CARDS,
    MAX_PLAYERS,
    MIN_PLAYERS,
    NO_TRUMP,
    RANKS,
    SUIT_RANKS,
    SUITS,
)
from blobmaster.game.opponents import FIRST_VARIED, are_known, is_opponent, kind_at
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
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
    WINNER,
    State,
)
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount
from blobmaster.model.traits import TRAITS, TRAITS_OF

NEEDS = 8
"""Classes of the tricks that a seat still needs: too many taken, 0, 1, .., 5, 6 or more."""

BALANCE = 13
"""Classes of the sum of bids minus the cards dealt, clipped to -6..6."""


def lay_out(sections: dict[str, int]) -> dict[str, slice]:
    """Lay out groups of features one after another; return the slice of each."""
    table: dict[str, slice] = {}
    start = 0
    for name, width in sections.items():
        table[name] = slice(start, start + width)
        start += width
    return table


INDEX = lay_out(
    {
        "hand": CARDS,
        "seen": CARDS,
        "table": (MAX_PLAYERS - 1) * (SUITS + RANKS),
        "winner": MAX_PLAYERS,
        "led_suit": SUITS,
        "has_trump": 1,
        "players": MAX_PLAYERS - MIN_PLAYERS + 1,
        "round": MAX_CARDS,
        "hand_size": MAX_CARDS + 1,
        "dealer": MAX_PLAYERS,
        "leader": MAX_PLAYERS,
        "playing": MAX_PLAYERS,
        "has_bid": MAX_PLAYERS,
        "bid": MAX_PLAYERS,
        "tricks": MAX_PLAYERS,
        "need": MAX_PLAYERS * NEEDS,
        "voids": MAX_PLAYERS * SUITS,
        "balance": BALANCE,
        "outranked": CARDS,
        "winner_outranked": RANKS,
        "table_known": 1,
        "known_kinds": FIRST_VARIED * MAX_PLAYERS,
        "known_traits": TRAITS * MAX_PLAYERS,
    }
)
"""The slice of each group of features in an observation. All are 0 or 1, except traits, `bid` and
`tricks`, which are divided by the cards dealt. `outranked` has the cards of the hand once more, by
slot and by how many unseen cards of the suit outrank them; `winner_outranked` has that number for
the card that is winning the trick. `table_known` says that the observer knows who holds the other
seats, and `known_kinds` marks those of opponents by kind; a seat without a mark is then the
network's, or of a varied style. `known_traits` has the traits of each opponent
(`blobmaster.model.traits`)."""

FEATURES = INDEX["known_traits"].stop
"""Width of an observation."""

DEAL_INDEX = lay_out(
    {
        "hands": (MAX_PLAYERS - 1) * CARDS,
        "live_hands": MAX_PLAYERS * CARDS,
        "live_winner": RANKS,
        "random_seats": MAX_PLAYERS,
        "kinds": (FIRST_VARIED - 1) * MAX_PLAYERS,
        "traits": TRAITS * MAX_PLAYERS,
    }
)
"""The slice of each group of features of the deal, which only the critic sees. All but the traits
are 0 or 1: the other seats' hands; all hands by slot and by how many live cards of the suit, in a
hand or on the table, outrank a card, and that number for the card that is winning the trick; the
seats of random opponents, of each other kind of opponent that has a name, and the traits of all
opponents."""

OPPONENT_FEATURES = (FIRST_VARIED + TRAITS) * MAX_PLAYERS
"""Width of the last groups of the deal's features: the kinds of opponents and their traits."""

DEAL_FEATURES = DEAL_INDEX["traits"].stop
"""Width of the deal's features."""

WHOLE_FEATURES = FEATURES + DEAL_FEATURES
"""Width of the critic's input: an observation, then the deal."""

# Kernels cannot read a dict of slices, so the starts are constants, which are compiled in.
_SEEN_CARDS = INDEX["seen"].start
_TABLE = INDEX["table"].start
_WINNER = INDEX["winner"].start
_LED = INDEX["led_suit"].start
_HAS_TRUMP = INDEX["has_trump"].start
_PLAYERS = INDEX["players"].start
_ROUND = INDEX["round"].start
_HAND_SIZE = INDEX["hand_size"].start
_DEALER = INDEX["dealer"].start
_LEADER = INDEX["leader"].start
_PLAYING = INDEX["playing"].start
_HAS_BID = INDEX["has_bid"].start
_BID = INDEX["bid"].start
_TRICKS = INDEX["tricks"].start
_NEED = INDEX["need"].start
_VOIDS = INDEX["voids"].start
_BALANCE = INDEX["balance"].start
_OUTRANKED = INDEX["outranked"].start
_WINNER_OUTRANKED = INDEX["winner_outranked"].start
_TABLE_KNOWN = INDEX["table_known"].start
_KNOWN_KINDS = INDEX["known_kinds"].start
_LIVE_HANDS = DEAL_INDEX["live_hands"].start
_LIVE_WINNER = DEAL_INDEX["live_winner"].start
_RANDOM_SEATS = DEAL_INDEX["random_seats"].start

Slots = npt.NDArray[np.int64]
"""`[SUITS]`: the canonical slot of each suit."""


@inner_kernel
def _knowledge_of(state: State, observer: int, suit: int) -> int:
    """Return all that the observer knows of a suit as one number.

    Two suits get the same number only if the observer can exchange them. It has 63 bits: the
    observer's cards (13), cards played (13), shown voids by relative seat (8), a flag for the led
    suit (1), and each other seat's card on the table (7 × 4).
    """
    # Most significant first, so the order of suits is by own cards, then by cards seen, and so on.
    players = state[PLAYERS]
    shift = RANKS * suit
    knowledge = (state[HANDS + observer] >> shift) & SUIT_RANKS
    knowledge = (knowledge << RANKS) | ((state[SEEN] >> shift) & SUIT_RANKS)
    for relative in range(MAX_PLAYERS):
        void = 0
        if relative < players:
            void = (state[VOIDS + (observer + relative) % players] >> suit) & 1
        knowledge = (knowledge << 1) | void
    led = 0
    if state[IN_TRICK] > 0 and state[TABLE + state[LEADER]] // RANKS == suit:
        led = 1
    knowledge = (knowledge << 1) | led
    for relative in range(1, MAX_PLAYERS):
        shown = 0
        if relative < players:
            card = state[TABLE + (observer + relative) % players]
            if card >= 0 and card // RANKS == suit:
                shown = card % RANKS + 1
        # Rank plus one, in 4 bits: 0 says that this seat shows no card of the suit.
        knowledge = (knowledge << 4) | shown
    return knowledge


@kernel
def canonical_slots(state: State, observer: int, slots: Slots) -> None:
    """Write each suit's canonical slot: 0 for trump, the others in order of `_knowledge_of`."""
    trump = state[TRUMP]
    for suit in range(SUITS):
        if suit == trump:
            slots[suit] = 0
            continue
        # A suit's slot is the number of suits before it: counting four suits needs
        # no sorting and no scratch.
        mine = _knowledge_of(state, observer, suit)
        slot = 0 if trump == NO_TRUMP else 1
        for other in range(SUITS):
            if other in (suit, trump):
                continue
            theirs = _knowledge_of(state, observer, other)
            # Interchangeable suits need different slots, too: the lower number goes first. In the
            # observation their features are equal, so it does not depend on that.
            if theirs > mine or (theirs == mine and other < suit):
                slot += 1
        slots[suit] = slot


@inner_kernel
def encode(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """Write the acting seat's observation to `row` (`[FEATURES]`), and the suits' slots."""
    observer = state[SEAT]
    players = state[PLAYERS]
    cards = state[DEALT]
    canonical_slots(state, observer, slots)
    # Rows are used again for other positions, and most features are 0.
    row[:] = 0.0
    # The hand is the first section of a row.
    _mark_cards(state[HANDS + observer], slots, row, 0)
    _mark_cards(state[SEEN], slots, row, _SEEN_CARDS)
    if state[IN_TRICK] > 0:
        # Not the observer, relative seat 0: it has not played to this trick yet.
        for relative in range(1, players):
            card = state[TABLE + (observer + relative) % players]
            if card >= 0:
                base = _TABLE + (relative - 1) * (SUITS + RANKS)
                row[base + slots[card // RANKS]] = 1.0
                row[base + SUITS + card % RANKS] = 1.0
        # Only within a trick: between tricks `WINNER` still names the last one's winner. In numba,
        # as in Python, the remainder of a negative number is not negative.
        row[_WINNER + (state[WINNER] - observer) % players] = 1.0
        row[_LED + slots[state[TABLE + state[LEADER]] // RANKS]] = 1.0
    row[_HAS_TRUMP] = 0.0 if state[TRUMP] == NO_TRUMP else 1.0
    row[_PLAYERS + players - MIN_PLAYERS] = 1.0
    row[_ROUND + cards - 1] = 1.0
    # Classes instead of one number: what a card is worth does not grow evenly
    # with the size of a round.
    row[_HAND_SIZE + popcount(state[HANDS + observer])] = 1.0
    row[_DEALER + (state[DEALER] - observer) % players] = 1.0
    row[_LEADER + (state[LEADER] - observer) % players] = 1.0
    _encode_seats(state, observer, slots, row)
    # Whether a card can be beaten depends on the cards that are still out, not on its rank. Without
    # these features the network has to count them, 52 inputs against 52, for each card.
    unseen = ~(state[SEEN] | state[HANDS + observer])
    _mark_by_rank_among(state[HANDS + observer], unseen, slots, row, _OUTRANKED)
    if state[IN_TRICK] > 0:
        row[_WINNER_OUTRANKED + _outranking(state[TABLE + state[WINNER]], unseen)] = 1.0
    if are_known(state):
        row[_TABLE_KNOWN] = 1.0
        mark_opponents(state, row[_KNOWN_KINDS:])


@inner_kernel
def _mark_cards(mask: int, slots: Slots, row: npt.NDArray[np.float32], start: int) -> None:
    while mask != 0:
        card = lowest_bit(mask)
        mask &= mask - 1
        row[start + RANKS * slots[card // RANKS] + card % RANKS] = 1.0


@inner_kernel
def _mark_by_rank_among(
    mask: int, others: int, slots: Slots, row: npt.NDArray[np.float32], start: int
) -> None:
    """Mark each card of `mask` by its slot and the number of `others` that outrank it."""
    while mask != 0:
        card = lowest_bit(mask)
        mask &= mask - 1
        row[start + RANKS * slots[card // RANKS] + _outranking(card, others)] = 1.0


@inner_kernel
def _outranking(card: int, cards: int) -> int:
    """Return how many of `cards` are of the same suit as `card` and higher: 0 to 12."""
    # The suit's mask comes first: `cards` may be a complement, with bits beyond the 52 cards.
    suit = cards >> (RANKS * (card // RANKS)) & SUIT_RANKS
    return popcount(suit >> (card % RANKS + 1))


@inner_kernel
def _encode_seats(state: State, observer: int, slots: Slots, row: npt.NDArray[np.float32]) -> None:
    players = state[PLAYERS]
    cards = state[DEALT]
    # Seats that have not bid count as 0: during the bidding this is minus the tricks not yet bid.
    balance = -cards
    for relative in range(players):
        seat = (observer + relative) % players
        row[_PLAYING + relative] = 1.0
        # As shares of the round, so that rounds of all sizes have inputs of one scale.
        row[_TRICKS + relative] = state[TRICKS + seat] / cards
        bid = state[BIDS + seat]
        if bid >= 0:
            balance += bid
            # The difference decides how a seat plays. As classes, a linear layer can tell "exactly
            # there" from "one too many" without having to learn a threshold.
            need = bid - state[TRICKS + seat]
            row[_HAS_BID + relative] = 1.0
            row[_BID + relative] = bid / cards
            row[_NEED + relative * NEEDS + min(max(need, -1), NEEDS - 2) + 1] = 1.0
        for suit in range(SUITS):
            if (state[VOIDS + seat] >> suit) & 1:
                row[_VOIDS + relative * SUITS + slots[suit]] = 1.0
    row[_BALANCE + min(max(balance, -(BALANCE // 2)), BALANCE // 2) + BALANCE // 2] = 1.0


@kernel
def encode_rows(states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]) -> None:
    """Apply `encode` to each of `[rows, STATE]`."""
    # The slots are kept: decoding needs them to find each card's logit.
    for i in range(len(states)):
        encode(states[i], rows[i], slots[i])


@inner_kernel
def encode_deal(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """Write what the acting seat does not see to `row` (`[DEAL_FEATURES]`).

    `slots` are those that `encode` wrote for the same state.
    """
    observer = state[SEAT]
    players = state[PLAYERS]
    row[:] = 0.0
    # The same slots as in the observation: both halves of the critic's input must name suits alike.
    for relative in range(1, players):
        hand = state[HANDS + (observer + relative) % players]
        _mark_cards(hand, slots, row, (relative - 1) * CARDS)
    # Ranks among the cards still out: two deals in which the same cards beat each other look alike
    # to the critic, whichever ranks are already gone.
    live = 0
    for seat in range(players):
        live |= state[HANDS + seat]
        if state[TABLE + seat] >= 0:
            live |= 1 << state[TABLE + seat]
    for relative in range(players):
        hand = state[HANDS + (observer + relative) % players]
        _mark_by_rank_among(hand, live, slots, row, _LIVE_HANDS + relative * CARDS)
    if state[IN_TRICK] > 0:
        row[_LIVE_WINNER + _outranking(state[TABLE + state[WINNER]], live)] = 1.0
    mark_opponents(state, row[_RANDOM_SEATS:])


@inner_kernel
def mark_opponents(state: State, row: npt.NDArray[np.float32]) -> None:
    """Mark the opponents' seats, relative to the acting one, in zeros (`[OPPONENT_FEATURES]`)."""
    # Opponents play unlike the network: without this, the critic would have to average over all
    # kinds, and its values would be wrong for each. By kind first, then by trait: what was added
    # later stands at the end.
    for relative in range(state[PLAYERS]):
        seat = (state[SEAT] + relative) % state[PLAYERS]
        if is_opponent(state, seat):
            kind = kind_at(state, seat)
            if kind < FIRST_VARIED:
                row[MAX_PLAYERS * kind + relative] = 1.0
            for trait in range(TRAITS):
                row[MAX_PLAYERS * (FIRST_VARIED + trait) + relative] = TRAITS_OF[kind, trait]


@inner_kernel
def encode_whole(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """Write the observation and then the deal to `row` (`[WHOLE_FEATURES]`)."""
    encode(state, row[:FEATURES], slots)
    encode_deal(state, row[FEATURES:], slots)


@kernel
def encode_whole_rows(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """Apply `encode_whole` to each of `[rows, STATE]`."""
    for i in range(len(states)):
        encode_whole(states[i], rows[i], slots[i])
