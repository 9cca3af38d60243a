"""Positions of rounds played at random, what a seat cannot see exchanged, and cards by name."""

from __future__ import annotations

import numpy as np

from blobmaster.game.cards import CARDS, MAX_PLAYERS, MIN_PLAYERS, RANK_SYMBOLS, SUIT_SYMBOLS
from blobmaster.game.rules import (
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    SEEN,
    STATE,
    apply,
    deal_into,
    is_over,
    legal_actions,
    legal_count,
)
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, shuffle, stream

SIZES = [
    (players, cards)
    for players in range(MIN_PLAYERS, MAX_PLAYERS + 1)
    for cards in range(1, CARDS // players + 1)
]
"""Players and cards of every round that can be dealt."""


@kernel
def _play_at_random(stream, players, cards, trump, dealer, deck, states, actions):
    """Write the states before each action, and the end; return how many actions there were."""
    state = np.empty(STATE, np.int64)
    deal_into(state, players, cards, trump, dealer, deck)
    options = np.empty(MAX_LEGAL, np.int64)
    count = 0
    while not is_over(state):
        states[count] = state
        actions[count] = options[below(stream, legal_actions(state, options))]
        apply(state, actions[count])
        count += 1
    states[count] = state
    return count


@kernel
def _shuffled_deck(stream, deck):
    shuffle(stream, deck)


class RandomRound:
    """A round of uniformly random legal moves, determined by the arguments."""

    def __init__(self, seed: int, players: int, cards: int, trump: int | None = None) -> None:
        draws = stream(seed, "random round", players, cards)
        self.deck = np.arange(CARDS)
        _shuffled_deck(draws, self.deck)
        self.trump = int(below(draws, 5)) if trump is None else trump
        self.dealer = int(below(draws, players))
        states = np.empty((MAX_PLAYERS + CARDS + 1, STATE), np.int64)
        actions = np.empty(MAX_PLAYERS + CARDS, np.int64)
        count = _play_at_random(
            draws, players, cards, self.trump, self.dealer, self.deck, states, actions
        )
        self.states = states[:count]  # [actions, STATE], before each action
        self.actions = actions[:count]
        self.end = states[count]

    @property
    def choices(self) -> np.ndarray:
        """The states with more than one legal action."""
        return self.states[[legal_count(state) > 1 for state in self.states]]


def legal_of(state: np.ndarray) -> list[int]:
    options = np.empty(MAX_LEGAL, np.int64)
    return options[: legal_actions(state, options)].tolist()


def played(state: np.ndarray, action: int) -> np.ndarray:
    """Return a copy of the state after `action`."""
    after = state.copy()
    apply(after, action)
    return after


def exchange_hidden(state: np.ndarray, observer: int, seed: int) -> np.ndarray:
    """Copy a state with all cards hidden from `observer` dealt again, ignoring known voids."""
    hidden = [c for c in range(CARDS) if not (state[SEEN] | state[HANDS + observer]) >> c & 1]
    np.random.default_rng(seed).shuffle(hidden)
    other = state.copy()
    for seat in range(state[PLAYERS]):
        if seat != observer:
            size = int(state[HANDS + seat]).bit_count()
            other[HANDS + seat] = sum(1 << c for c in hidden[:size])
            del hidden[:size]
    return other


def card(name: str) -> int:
    """Return the number of a card such as `T♥`."""
    return 13 * SUIT_SYMBOLS.index(name[1]) + RANK_SYMBOLS.index(name[0])


def cards(names: str) -> list[int]:
    """Return the numbers of cards such as `T♥ 2♠`."""
    return [card(name) for name in names.split()]
