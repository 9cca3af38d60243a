"""Positions of random play, on which the activations of a network are calibrated."""

from __future__ import annotations

import numpy as np

from blobmaster.game.cards import CARDS, MAX_PLAYERS, MIN_PLAYERS, NO_TRUMP
from blobmaster.game.rules import (
    MAX_LEGAL,
    STATE,
    State,
    apply,
    deal_into,
    is_over,
    legal_actions,
)
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, below, shuffle, stream

MOST_CARDS = 8
"""Cards of the longest rounds here, as in the default mix of rounds."""


def random_positions(count: int) -> State:
    """Return `[count, STATE]`: decisions of rounds of all sizes, the same in every call."""
    states = np.empty((count, STATE), np.int64)
    _play_into(states, stream(0, "some positions"))
    return states


@kernel
def _play_into(states: State, draws: Stream) -> None:
    """Fill `states` with the decisions of rounds played by uniformly random actions."""
    legal = np.empty(MAX_LEGAL, np.int64)
    state = np.empty(STATE, np.int64)
    deck = np.empty(CARDS, np.int64)
    for card in range(CARDS):
        deck[card] = card
    count = 0
    while True:
        players = MIN_PLAYERS + below(draws, MAX_PLAYERS - MIN_PLAYERS + 1)
        cards = 1 + below(draws, min(MOST_CARDS, CARDS // players))
        shuffle(draws, deck)
        deal_into(state, players, cards, below(draws, NO_TRUMP + 1), below(draws, players), deck)
        while not is_over(state):
            if count == len(states):
                return
            copy_row(state, states[count])
            count += 1
            apply(state, legal[below(draws, legal_actions(state, legal))])
