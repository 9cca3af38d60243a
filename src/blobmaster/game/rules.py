"""The rules of one round of Blob, over a flat state that a kernel copies in nanoseconds.

A round's state is one int64 row; many rounds are `[rounds, STATE]`. Its fields, in order:

| offset         | field                                                                     |
|----------------|---------------------------------------------------------------------------|
| `PLAYERS`      | number of seats in play, 3-8, numbered in order of play                   |
| `DEALT`        | cards dealt to each seat                                                  |
| `TRUMP`        | trump suit 0-3, or `NO_TRUMP`                                             |
| `DEALER`       | the dealer's seat                                                         |
| `SEAT`         | the acting seat                                                           |
| `ACTIONS`      | actions taken so far: the bids, then the cards played                     |
| `LEADER`       | the seat that led, or will lead, the current trick                        |
| `IN_TRICK`     | cards played to the current trick                                         |
| `BEST`         | the card that wins the current trick so far, -1 before the lead           |
| `WINNER`       | the seat that played it                                                   |
| `SEEN`         | mask of all cards played in the round, the current trick's included       |
| `OPPONENTS`    | who plays at each seat in self-play (`game.opponents`); hidden from all   |
| `HANDS`        | 8 masks: the cards in each seat's hand                                    |
| `BIDS`         | 8 bids, -1 before a seat has bid                                          |
| `TRICKS`       | 8 counts: tricks taken                                                    |
| `TABLE`        | 8 cards: what each seat has played to the current trick, -1 for none      |
| `VOIDS`        | 8 masks of 4 bits: suits that a seat has shown that it does not hold      |
| `LONGEST`      | cards dealt in the longest rounds of the game; 0 for a single round       |
| `ROUNDS_LEFT`  | rounds of the game after this one; -1 once the game is over               |
| `SCORES`       | 8 scores: points of each seat in the game's earlier rounds                |
| `HISTORY`      | 6 words: the cards played in the round, in order; see `card_played`       |

Actions are numbered as the network's outputs: `0..51` play that card, `52 + b` bids `b` tricks.
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
)
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount

# One int64 row for masks, counts and flags alike: a state is copied as one block of memory, and a
# batch of states is one array. Offsets are constants, which kernels compile in.
PLAYERS, DEALT, TRUMP, DEALER, SEAT, ACTIONS, LEADER, IN_TRICK, BEST, WINNER, SEEN = range(11)
OPPONENTS = 11
HANDS = 12
BIDS = HANDS + MAX_PLAYERS
TRICKS = BIDS + MAX_PLAYERS
TABLE = TRICKS + MAX_PLAYERS
VOIDS = TABLE + MAX_PLAYERS
LONGEST = VOIDS + MAX_PLAYERS
ROUNDS_LEFT = LONGEST + 1
SCORES = ROUNDS_LEFT + 1
HISTORY = SCORES + MAX_PLAYERS
STATE = HISTORY + 6
"""Width of a state row."""

# Words of `HISTORY`: ten cards of six bits stay below the sign of an int64.
_CARD_BITS = 6
_CARDS_PER_WORD = 10

FIRST_BID = CARDS
"""The action that bids 0; `FIRST_BID + b` bids b tricks."""

ACTION_COUNT = CARDS + MAX_CARDS + 1
MAX_LEGAL = MAX_CARDS + 1
"""The most actions that are legal at once: bids 0..17."""

State = npt.NDArray[np.int64]
"""`[STATE]`, or `[rounds, STATE]` where a docstring says so."""


def check_round(players: int, cards: int, trump: int, dealer: int) -> None:
    """Check that such a round can be dealt.

    Raises:
        ValueError: it cannot; one line that says why.
    """
    if not MIN_PLAYERS <= players <= MAX_PLAYERS:
        raise ValueError(f"Blob is for {MIN_PLAYERS} to {MAX_PLAYERS} players, not {players}")
    if cards < 1 or players * cards > CARDS:
        raise ValueError(
            f"{players} players can get 1 to {CARDS // players} cards each, not {cards}"
        )
    if not 0 <= trump <= NO_TRUMP:
        raise ValueError(f"trump is a suit 0-3 or {NO_TRUMP} for none, not {trump}")
    if not 0 <= dealer < players:
        raise ValueError(f"the dealer is one of seats 0-{players - 1}, not {dealer}")


def new_round(
    players: int, cards: int, trump: int, dealer: int, hands: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """Return the state of a round that has just been dealt.

    Args:
        players, cards, trump, dealer: the state's `PLAYERS`, `DEALT`, `TRUMP` and `DEALER`.
        hands: `[players, cards]`, distinct cards: each seat's hand.

    Raises:
        ValueError: such a round cannot be dealt, or the hands are not distinct cards of that shape.
    """
    check_round(players, cards, trump, dealer)
    dealt = np.asarray(hands)
    if dealt.dtype.kind not in "iu":  # a cast would cut 3.9 down to card 3
        raise ValueError(f"cards are numbers 0 to {CARDS - 1}, not {dealt.dtype} values")
    if dealt.shape != (players, cards) or len(np.unique(dealt)) != dealt.size:
        raise ValueError(f"hands are {players} × {cards} distinct cards, not {dealt.tolist()}")
    if dealt.min() < 0 or dealt.max() >= CARDS:
        raise ValueError(f"cards are numbers 0 to {CARDS - 1}, not {dealt.tolist()}")
    state = np.empty(STATE, dtype=np.int64)
    deal_into(state, players, cards, trump, dealer, dealt.astype(np.int64).ravel())
    return state


@kernel
def deal_into(
    state: State, players: int, cards: int, trump: int, dealer: int, deck: npt.NDArray[np.int64]
) -> None:
    """Reset `state` to a dealt round: seat `s` holds `deck[s * cards : (s + 1) * cards]`."""
    state[:] = 0
    state[PLAYERS] = players
    state[DEALT] = cards
    state[TRUMP] = trump
    state[DEALER] = dealer
    # The seat to the dealer's left bids and leads first.
    first = (dealer + 1) % players
    state[SEAT] = first
    state[LEADER] = first
    state[BEST] = -1
    # Seats that are not in play too: a 0 would read as a bid of 0, or as the
    # two of spades on the table.
    for seat in range(MAX_PLAYERS):
        state[BIDS + seat] = -1
        state[TABLE + seat] = -1
    for seat in range(players):
        hand = 0
        for i in range(cards):
            hand |= 1 << deck[seat * cards + i]
        state[HANDS + seat] = hand


@kernel
def is_over(state: State) -> bool:
    """Return True if every card has been played."""
    # Counted from the actions, not the hands: a search may hold a state without the other hands.
    players = state[PLAYERS]
    return bool(state[ACTIONS] == players + players * state[DEALT])


@kernel
def is_bidding(state: State) -> bool:
    """Return True if the acting seat bids, False if it plays a card."""
    return bool(state[ACTIONS] < state[PLAYERS])


@kernel
def forbidden_bid(state: State) -> int:
    """Return the bid that the dealer may not make, or -1 if the acting seat may make any.

    The bids must not add up to the cards dealt. Only the last bidder, the dealer, is constrained,
    and not if the others' bids exceed the cards already.
    """
    if state[ACTIONS] != state[PLAYERS] - 1:
        return -1
    total = 0
    for seat in range(state[PLAYERS]):
        if seat != state[SEAT]:
            total += state[BIDS + seat]
    return max(state[DEALT] - total, -1)


@inner_kernel
def legal_cards(state: State) -> int:
    """Return the mask of cards that the acting seat may play: of the led suit if it holds any."""
    hand = state[HANDS + state[SEAT]]
    if state[IN_TRICK] == 0:
        return hand
    led_suit = state[TABLE + state[LEADER]] // RANKS
    following = hand & (SUIT_RANKS << (RANKS * led_suit))
    if following != 0:
        return following
    return hand


@kernel
def legal_actions(state: State, actions: npt.NDArray[np.int64]) -> int:
    """Write the legal actions, ascending, into `actions` (`[MAX_LEGAL]`); return their number."""
    # The ascending order is part of formats: records store policies in it, and priors come in it.
    count = 0
    if is_bidding(state):
        forbidden = forbidden_bid(state)
        for bid in range(state[DEALT] + 1):
            if bid != forbidden:
                actions[count] = FIRST_BID + bid
                count += 1
        return count
    mask = legal_cards(state)
    while mask != 0:
        actions[count] = lowest_bit(mask)
        mask &= mask - 1  # clears the lowest bit
        count += 1
    return count


@kernel
def legal_count(state: State) -> int:
    """Return the number of legal actions."""
    if is_bidding(state):
        if forbidden_bid(state) >= 0:
            return state[DEALT]
        return state[DEALT] + 1
    return popcount(legal_cards(state))


@kernel
def beats(card: int, best: int, trump: int) -> bool:
    """Return True if `card`, played after the winning card `best`, takes the trick from it."""
    if card // RANKS == best // RANKS:
        return card > best  # within a suit, numbers ascend with ranks
    return card // RANKS == trump


@kernel
def apply(state: State, action: int) -> None:
    """Take a legal action of the acting seat, in place."""
    if action >= FIRST_BID:
        _bid(state, action - FIRST_BID)
    else:
        _play(state, action)


@inner_kernel
def _bid(state: State, bid: int) -> None:
    seat = state[SEAT]
    state[BIDS + seat] = bid
    state[ACTIONS] += 1
    state[SEAT] = (seat + 1) % state[PLAYERS]


@inner_kernel
def _play(state: State, card: int) -> None:
    players = state[PLAYERS]
    seat = state[SEAT]
    if state[IN_TRICK] == 0:
        state[BEST] = card
        state[WINNER] = seat
    else:
        led_suit = state[TABLE + state[LEADER]] // RANKS
        if card // RANKS != led_suit:
            # Nobody draws cards in Blob, so a void that was shown holds to the end of the round.
            state[VOIDS + seat] |= 1 << led_suit
        if beats(card, state[BEST], state[TRUMP]):
            state[BEST] = card
            state[WINNER] = seat
    state[HANDS + seat] &= ~(1 << card)
    state[SEEN] |= 1 << card
    # The order of the plays, for beliefs about hands. It needs no seats: they follow from the
    # rules. Packed, because a search copies a state at every node.
    number = state[ACTIONS] - players
    shift = _CARD_BITS * (number % _CARDS_PER_WORD)
    state[HISTORY + number // _CARDS_PER_WORD] |= card << shift
    state[TABLE + seat] = card
    state[IN_TRICK] += 1
    state[ACTIONS] += 1
    # After the last card of a trick this is wrong for a moment: `_take_trick`
    # sets the seat to the winner.
    state[SEAT] = (seat + 1) % players
    if state[IN_TRICK] == players:
        _take_trick(state)


@inner_kernel
def _take_trick(state: State) -> None:
    winner = state[WINNER]
    state[TRICKS + winner] += 1
    state[LEADER] = winner
    state[SEAT] = winner
    state[IN_TRICK] = 0
    # `WINNER` is not cleared. It means nothing until the next lead, as `BEST` shows.
    state[BEST] = -1
    for seat in range(state[PLAYERS]):
        state[TABLE + seat] = -1


@inner_kernel
def card_played(state: State, number: int) -> int:
    """Return the card that was played in the round as number `number` (0-based)."""
    shift = _CARD_BITS * (number % _CARDS_PER_WORD)
    return (state[HISTORY + number // _CARDS_PER_WORD] >> shift) & ((1 << _CARD_BITS) - 1)


@kernel
def list_plays(state: State, plays: npt.NDArray[np.int64]) -> int:
    """Write the plays of the round so far, in order, and return their number.

    Args:
        state: `[STATE]`.
        plays: `[CARDS, 2]`, filled with pairs (seat, card).
    """
    players = state[PLAYERS]
    leader = (state[DEALER] + 1) % players
    best, winner = -1, leader
    count = max(state[ACTIONS] - players, 0)
    for number in range(count):
        place = number % players
        card = card_played(state, number)
        seat = (leader + place) % players
        plays[number, 0] = seat
        plays[number, 1] = card
        if place == 0 or beats(card, best, state[TRUMP]):
            best, winner = card, seat
        if place == players - 1:
            leader = winner
    return count


@kernel
def rewind(state: State, first: State) -> None:
    """Write into `first` the state in which the round of `state` was dealt.

    `state` holds all hands.
    """
    players = state[PLAYERS]
    for field in range(STATE):
        first[field] = 0
    for field in (PLAYERS, DEALT, TRUMP, DEALER, OPPONENTS, LONGEST, ROUNDS_LEFT):
        first[field] = state[field]
    for seat in range(MAX_PLAYERS):
        first[SCORES + seat] = state[SCORES + seat]
        first[HANDS + seat] = state[HANDS + seat]
        first[BIDS + seat] = -1
        first[TABLE + seat] = -1
    leader = (state[DEALER] + 1) % players
    first[SEAT] = leader
    first[LEADER] = leader
    first[BEST] = -1
    # Give every card back to the seat that played it.
    best, winner = -1, leader
    for number in range(state[ACTIONS] - players):
        place = number % players
        card = card_played(state, number)
        seat = (leader + place) % players
        first[HANDS + seat] |= 1 << card
        if place == 0 or beats(card, best, state[TRUMP]):
            best, winner = card, seat
        if place == players - 1:
            leader = winner


@kernel
def only_action(state: State) -> int:
    """Return the legal action if there is only one, else -1."""
    if is_bidding(state):
        # There are at least two bids, 0 and 1, and at most one is forbidden. So only the dealer of
        # a one-card round can be left with a single bid.
        if legal_count(state) > 1:
            return -1
        return FIRST_BID + (0 if forbidden_bid(state) != 0 else 1)
    cards = legal_cards(state)
    # Asked without listing the actions: search calls this after every move.
    if popcount(cards) != 1:
        return -1
    return lowest_bit(cards)


@kernel
def play_forced(state: State) -> None:
    """Take actions while only one is legal, up to a real choice or the end of the round."""
    while not is_over(state):
        action = only_action(state)
        if action < 0:
            return
        apply(state, action)
