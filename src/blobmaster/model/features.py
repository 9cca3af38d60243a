"""What a seat may see, as the actor's input, and what it may not, as the critic's.

Suits have no names of their own in Blob beyond trump and led suit, so a state is shown to the
network in canonical suit slots: trump first where there is one, the others ordered by everything
that the observer knows of them. Two situations that differ by a renaming of suits are one input.
Seats are relative to the observer: 0 is the observer, 1 the seat to its left, and so on.
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
from blobmaster.game.rules import (
    BIDS,
    DEALER,
    DEALT,
    HANDS,
    IN_TRICK,
    LEADER,
    PLAYERS,
    RANDOM_SEATS,
    SEAT,
    SEEN,
    TABLE,
    TRICKS,
    TRUMP,
    VOIDS,
    WINNER,
    State,
)
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount

NEEDS = 8
"""Classes of what a seat still needs: overbid, 0, 1, .., 5, 6 or more."""

BALANCE = 13
"""Classes of (sum of bids - cards), clipped to -6..6."""


def lay_out(sections: dict[str, int]) -> dict[str, slice]:
    """Groups of features one after another: where each of these widths stands."""
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
    }
)
"""Where each group of features stands in an observation: all are 0 or 1, but `bid` and `tricks`,
which are shares of the cards dealt."""

FEATURES = INDEX["balance"].stop
"""Width of an observation."""

DEAL_INDEX = lay_out({"hands": (MAX_PLAYERS - 1) * CARDS, "strangers": MAX_PLAYERS})
"""What the critic sees beside the acting seat's observation, all 0 or 1: the other seats' hands,
and which seats are held by random players."""

DEAL_FEATURES = DEAL_INDEX["strangers"].stop
"""Width of that."""

WHOLE_FEATURES = FEATURES + DEAL_FEATURES
"""Width of the critic's input: an observation, and the deal beside it."""

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
_STRANGERS = DEAL_INDEX["strangers"].start

Slots = npt.NDArray[np.int64]
"""`[4]`: the canonical slot of each suit."""


@kernel
def _knowledge_of(state: State, observer: int, suit: int) -> int:
    """All that the observer knows of a suit as one number: equal only for alike suits.

    63 bits: its own cards (13), cards seen (13), shown voids by relative seat (8), whether it was
    led (1), and the card each other seat has on the table (7 × 4).
    """
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
        knowledge = (knowledge << 4) | shown
    return knowledge


@kernel
def canonical_slots(state: State, observer: int, slots: Slots) -> None:
    """Write each suit's canonical slot: trump is 0, the others by what is known of them."""
    trump = state[TRUMP]
    for suit in range(SUITS):
        if suit == trump:
            slots[suit] = 0
            continue
        mine = _knowledge_of(state, observer, suit)
        slot = 0 if trump == NO_TRUMP else 1
        for other in range(SUITS):
            if other in (suit, trump):
                continue
            theirs = _knowledge_of(state, observer, other)
            if theirs > mine or (theirs == mine and other < suit):
                slot += 1
        slots[suit] = slot


@kernel
def encode(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """Write what the seat to act may see into `row` (`[FEATURES]`), and its suits' slots."""
    observer = state[SEAT]
    players = state[PLAYERS]
    cards = state[DEALT]
    canonical_slots(state, observer, slots)
    row[:] = 0.0
    _mark_cards(state[HANDS + observer], slots, row, 0)
    _mark_cards(state[SEEN], slots, row, _SEEN_CARDS)
    if state[IN_TRICK] > 0:
        for relative in range(1, players):
            card = state[TABLE + (observer + relative) % players]
            if card >= 0:
                base = _TABLE + (relative - 1) * (SUITS + RANKS)
                row[base + slots[card // RANKS]] = 1.0
                row[base + SUITS + card % RANKS] = 1.0
        row[_WINNER + (state[WINNER] - observer) % players] = 1.0
        row[_LED + slots[state[TABLE + state[LEADER]] // RANKS]] = 1.0
    row[_HAS_TRUMP] = 0.0 if state[TRUMP] == NO_TRUMP else 1.0
    row[_PLAYERS + players - MIN_PLAYERS] = 1.0
    row[_ROUND + cards - 1] = 1.0
    row[_HAND_SIZE + popcount(state[HANDS + observer])] = 1.0
    row[_DEALER + (state[DEALER] - observer) % players] = 1.0
    row[_LEADER + (state[LEADER] - observer) % players] = 1.0
    _encode_seats(state, observer, slots, row)


@kernel
def _mark_cards(mask: int, slots: Slots, row: npt.NDArray[np.float32], start: int) -> None:
    while mask != 0:
        card = lowest_bit(mask)
        mask &= mask - 1
        row[start + RANKS * slots[card // RANKS] + card % RANKS] = 1.0


@kernel
def _encode_seats(state: State, observer: int, slots: Slots, row: npt.NDArray[np.float32]) -> None:
    players = state[PLAYERS]
    cards = state[DEALT]
    balance = -cards
    for relative in range(players):
        seat = (observer + relative) % players
        row[_PLAYING + relative] = 1.0
        row[_TRICKS + relative] = state[TRICKS + seat] / cards
        bid = state[BIDS + seat]
        if bid >= 0:
            balance += bid
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
    """`encode` for each of `[rows, STATE]`."""
    for i in range(len(states)):
        encode(states[i], rows[i], slots[i])


@kernel
def encode_deal(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """Write what the seat to act may not see into `row` (`[DEAL_FEATURES]`).

    `slots` are those that `encode` found for the same state.
    """
    observer = state[SEAT]
    players = state[PLAYERS]
    row[:] = 0.0
    for relative in range(1, players):
        hand = state[HANDS + (observer + relative) % players]
        _mark_cards(hand, slots, row, (relative - 1) * CARDS)
    for relative in range(players):
        row[_STRANGERS + relative] = (state[RANDOM_SEATS] >> ((observer + relative) % players)) & 1


@kernel
def encode_whole(state: State, row: npt.NDArray[np.float32], slots: Slots) -> None:
    """The observation and the deal beside it, in `row` (`[WHOLE_FEATURES]`)."""
    encode(state, row[:FEATURES], slots)
    encode_deal(state, row[FEATURES:], slots)


@kernel
def encode_whole_rows(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """`encode_whole` for each of `[rows, STATE]`."""
    for i in range(len(states)):
        encode_whole(states[i], rows[i], slots[i])
