"""Random rounds played by the kernels, with every state and move recorded for comparison."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    ACTION_COUNT,
    MAX_LEGAL,
    STATE,
    apply,
    deal_into,
    forbidden_bid,
    is_over,
    legal_actions,
    legal_count,
    only_action,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below

MAX_MOVES = MAX_PLAYERS + CARDS


class Trace(NamedTuple):
    """A recorded round: row m is the state before move m, the last row the end."""

    states: np.ndarray  # [moves + 1, STATE]
    legal: np.ndarray  # [moves, ACTION_COUNT] whether each action was legal
    actions: np.ndarray  # [moves]
    counts: np.ndarray  # [moves] legal_count
    only: np.ndarray  # [moves] only_action
    forbidden: np.ndarray  # [moves] forbidden_bid
    points: list[int]


@kernel
def _play_randomly(stream, players, cards, trump, dealer, deck, states, legal, moves):
    """Play one round of uniformly random legal moves; return how many there were."""
    state = np.empty(STATE, np.int64)
    deal_into(state, players, cards, trump, dealer, deck)
    options = np.empty(MAX_LEGAL, np.int64)
    legal[:] = False
    count = 0
    while not is_over(state):
        states[count] = state
        choices = legal_actions(state, options)
        for i in range(choices):
            legal[count, options[i]] = True
        moves[count, 0] = options[below(stream, choices)]
        moves[count, 1] = legal_count(state)
        moves[count, 2] = only_action(state)
        moves[count, 3] = forbidden_bid(state)
        apply(state, moves[count, 0])
        count += 1
    states[count] = state
    return count


def random_round(stream, players: int, cards: int, trump: int, dealer: int, deck) -> Trace:
    """Play a round of random legal moves; seat s gets `deck[s * cards : (s + 1) * cards]`."""
    states = np.empty((MAX_MOVES + 1, STATE), np.int64)
    legal = np.empty((MAX_MOVES, ACTION_COUNT), np.bool_)
    moves = np.empty((MAX_MOVES, 4), np.int64)
    count = _play_randomly(stream, players, cards, trump, dealer, deck, states, legal, moves)
    return Trace(
        states[: count + 1],
        legal[:count],
        *(moves[:count, column] for column in range(4)),
        [int(points(states[count], seat)) for seat in range(players)],
    )
