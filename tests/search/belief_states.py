"""States of random rounds, and all worlds that are possible for an observer, by brute force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from card_sets import SUIT_MASKS, mask_of

from blobmaster.game.cards import CARDS, MAX_PLAYERS, MIN_PLAYERS, cards_in
from blobmaster.game.rules import (
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    SEEN,
    STATE,
    VOIDS,
    apply,
    deal_into,
    is_over,
    legal_actions,
)
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, shuffle

SIZES = np.array(
    [
        (players, cards)
        for players in range(MIN_PLAYERS, MAX_PLAYERS + 1)
        for cards in range(1, CARDS // players + 1)
    ]
)
"""`[sizes, 2]`: players and cards of every round that can be dealt."""


@kernel
def play_round(stream, players, cards, states, actions):
    """Play a random round; write the states before each action, and return their number."""
    state = np.empty(STATE, np.int64)
    deck = np.arange(CARDS)
    shuffle(stream, deck)
    deal_into(state, players, cards, below(stream, 5), below(stream, players), deck)
    options = np.empty(MAX_LEGAL, np.int64)
    count = 0
    while not is_over(state):
        states[count] = state
        actions[count] = options[below(stream, legal_actions(state, options))]
        apply(state, actions[count])
        count += 1
    return count


def states_of(stream, players: int, cards: int) -> np.ndarray:
    """Return the states of one random round before each action, `[moves, STATE]`."""
    states = np.empty((MAX_PLAYERS + CARDS, STATE), np.int64)
    return states[: play_round(stream, players, cards, states, np.empty(len(states), np.int64))]


def allowed_cards(state: np.ndarray, observer: int, seat: int) -> set[int]:
    """Return the cards that `seat` may hold as far as `observer` knows."""
    unseen = set(range(CARDS)) - set(cards_in(state[SEEN])) - set(cards_in(state[HANDS + observer]))
    voids = [suit for suit in range(4) if state[VOIDS + seat] >> suit & 1]
    return {card for card in unseen if not any(SUIT_MASKS[suit] >> card & 1 for suit in voids)}


def other_seats(state: np.ndarray, observer: int) -> list[int]:
    return [seat for seat in range(state[PLAYERS]) if seat != observer]


def all_worlds(state: np.ndarray, observer: int) -> Iterator[tuple[int, ...]]:
    """Yield every possible world, as masks of the other seats' hands."""
    seats = other_seats(state, observer)
    allowed = [allowed_cards(state, observer, seat) for seat in seats]
    sizes = [len(cards_in(state[HANDS + seat])) for seat in seats]

    def deals(place: int, taken: frozenset[int]) -> Iterator[tuple[int, ...]]:
        if place == len(seats):
            yield ()
            return
        for hand in combinations(sorted(allowed[place] - taken), sizes[place]):
            for rest in deals(place + 1, taken | set(hand)):
                yield (mask_of(hand), *rest)

    return deals(0, frozenset())
