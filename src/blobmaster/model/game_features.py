"""Encodes the standing of a game for the network: scores, rounds left, the game's size.

These features follow the round's observation. They are all 0 for a single round, and for a game
that is over. Seats are relative to the acting seat, as in an observation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    DEALER,
    LONGEST,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    State,
)
from blobmaster.kernels.compile import kernel
from blobmaster.model.features import (
    DEAL_INDEX,
    FEATURES,
    INDEX,
    OPPONENT_FEATURES,
    WHOLE_FEATURES,
    encode,
    encode_whole,
    lay_out,
    mark_opponents,
)

LEFT_CLASSES = 12
"""Classes of rounds left: 0, 1, .., 10, 11 or more."""

GAME_INDEX = lay_out(
    {
        "in_game": 1,
        "seats": MAX_PLAYERS,
        "deals": MAX_PLAYERS,
        "most_cards": MAX_CARDS,
        "left": LEFT_CLASSES,
        "share_left": 1,
        "score": MAX_PLAYERS,
        "ahead": MAX_PLAYERS,
        "pressure": MAX_PLAYERS,
    }
)
"""The slice of each group of features. `score` is in hundreds of points. `ahead` is a seat's lead
over the acting seat in units of 30 points; `pressure` is the lead in units of how far scores
typically drift apart in the rounds left. `share_left` is the share of rounds left; all others are 0
or 1."""

GAME_FEATURES = GAME_INDEX["pressure"].stop
"""Width of the game's features."""

VIEW_FEATURES = FEATURES + GAME_FEATURES
"""Width of the actor's input in games: an observation, then the game."""

GAME_WHOLE_FEATURES = WHOLE_FEATURES + GAME_FEATURES
"""Width of the critic's input in games: an observation, the deal, then the game."""

STANDING = slice(FEATURES + DEAL_INDEX["random_seats"].start, GAME_WHOLE_FEATURES)
"""The slice of the critic's input that describes a game between two rounds: the opponents' seats,
and the game's features."""

STANDING_FEATURES = STANDING.stop - STANDING.start
"""Width of the standing's input."""

DRIFT = 8.0
"""Points that two seats' scores typically drift apart in a round."""

_SEATS = GAME_INDEX["seats"].start
_DEALS = GAME_INDEX["deals"].start
_MOST = GAME_INDEX["most_cards"].start
_LEFT = GAME_INDEX["left"].start
_SHARE_LEFT = GAME_INDEX["share_left"].start
_SCORE = GAME_INDEX["score"].start
_AHEAD = GAME_INDEX["ahead"].start
_PRESSURE = GAME_INDEX["pressure"].start


def view_index() -> dict[str, slice]:
    """Return the slice of each group of features in the actor's input in games."""
    behind = {
        name: slice(FEATURES + group.start, FEATURES + group.stop)
        for name, group in GAME_INDEX.items()
    }
    return INDEX | behind


@kernel
def encode_game(state: State, row: npt.NDArray[np.float32]) -> None:
    """Write the game's standing before the current round to `row` (`[GAME_FEATURES]`)."""
    row[:] = 0.0
    most = state[LONGEST]
    if most == 0 or state[ROUNDS_LEFT] < 0:
        return
    players, observer, left = state[PLAYERS], state[SEAT], state[ROUNDS_LEFT]
    # The first feature says that there is a game; without one, all of them
    # stay 0, as phase 1 learned.
    row[0] = 1.0
    row[_DEALS + (state[DEALER] - observer) % players] = 1.0
    row[_MOST + most - 1] = 1.0
    row[_LEFT + min(left, LEFT_CLASSES - 1)] = 1.0
    # By the number of rounds of the game (`schedule.round_count`); this round is among those left.
    row[_SHARE_LEFT] = (left + 1) / (2 * (most - 1) + players)
    # Differences of independent rounds grow with the square root of their number.
    drift = DRIFT * np.sqrt(left + 1.0)
    for relative in range(players):
        # Three scales, because what a lead is worth depends on the rounds left, and a small network
        # finds it hard to divide.
        score = state[SCORES + (observer + relative) % players]
        ahead = score - state[SCORES + observer]
        row[_SEATS + relative] = 1.0
        row[_SCORE + relative] = score / 100.0
        row[_AHEAD + relative] = ahead / 30.0
        row[_PRESSURE + relative] = ahead / drift


@kernel
def encode_standing(state: State, row: npt.NDArray[np.float32]) -> None:
    """Write a game's standing between two rounds to `row` (`[STANDING_FEATURES]`)."""
    row[:OPPONENT_FEATURES] = 0.0
    mark_opponents(state, row)
    encode_game(state, row[OPPONENT_FEATURES:])


@kernel
def encode_game_views(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """Write observation and game of each state to `rows` (`[rows, VIEW_FEATURES]`)."""
    for i in range(len(states)):
        encode(states[i], rows[i, :FEATURES], slots[i])
        encode_game(states[i], rows[i, FEATURES:])


@kernel
def encode_game_wholes(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """Write observation, deal and game of each state to `rows` (`[rows, GAME_WHOLE_FEATURES]`)."""
    for i in range(len(states)):
        encode_whole(states[i], rows[i, :WHOLE_FEATURES], slots[i])
        encode_game(states[i], rows[i, WHOLE_FEATURES:])


@kernel
def encode_standing_rows(states: State, rows: npt.NDArray[np.float32]) -> None:
    """Apply `encode_standing` to each of `[rows, STATE]`."""
    for i in range(len(states)):
        encode_standing(states[i], rows[i])
