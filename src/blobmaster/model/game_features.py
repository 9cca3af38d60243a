"""Where a game stands, as input of the network: scores, rounds to come, the game's shape.

It comes behind the observation of a round, and is all 0 for a round that stands alone, as for a
game that is over. Seats are
relative to the acting seat, as in an observation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    DEALER,
    LONGEST,
    PLAYERS,
    RANDOM_SEATS,
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
    WHOLE_FEATURES,
    encode,
    encode_whole,
    lay_out,
)

LEFT_CLASSES = 12
"""Classes of rounds to come: 0, 1, .., 10, 11 or more."""

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
"""Where each group of features stands; `score` is in hundreds of points, `ahead` how far a seat is
ahead of the acting one in units of 30, and `pressure` the same in units of what scores typically
drift apart in the rounds that are not over. All others are 0 or 1, but `share_left`."""

GAME_FEATURES = GAME_INDEX["pressure"].stop
"""Width of that."""

VIEW_FEATURES = FEATURES + GAME_FEATURES
"""Width of the actor's input in games: an observation, and where the game stands."""

GAME_WHOLE_FEATURES = WHOLE_FEATURES + GAME_FEATURES
"""Width of the critic's: an observation, the deal beside it, and where the game stands."""

STANDING = slice(FEATURES + DEAL_INDEX["strangers"].start, GAME_WHOLE_FEATURES)
"""The part of the critic's input that says how a game stands between two rounds: who plays at
random, scores, and what is left."""

STANDING_FEATURES = STANDING.stop - STANDING.start
"""Width of that."""

DRIFT = 8.0
"""Points that two seats' scores drift apart in a round, about."""

_SEATS = GAME_INDEX["seats"].start
_DEALS = GAME_INDEX["deals"].start
_MOST = GAME_INDEX["most_cards"].start
_LEFT = GAME_INDEX["left"].start
_SHARE_LEFT = GAME_INDEX["share_left"].start
_SCORE = GAME_INDEX["score"].start
_AHEAD = GAME_INDEX["ahead"].start
_PRESSURE = GAME_INDEX["pressure"].start


def view_index() -> dict[str, slice]:
    """Where each group of features stands in the actor's input in games."""
    behind = {
        name: slice(FEATURES + group.start, FEATURES + group.stop)
        for name, group in GAME_INDEX.items()
    }
    return INDEX | behind


@kernel
def encode_game(state: State, row: npt.NDArray[np.float32]) -> None:
    """Write where the game stands before the round on the table into `row` (`[GAME_FEATURES]`)."""
    row[:] = 0.0
    most = state[LONGEST]
    if most == 0 or state[ROUNDS_LEFT] < 0:
        return
    players, observer, left = state[PLAYERS], state[SEAT], state[ROUNDS_LEFT]
    row[0] = 1.0
    row[_DEALS + (state[DEALER] - observer) % players] = 1.0
    row[_MOST + most - 1] = 1.0
    row[_LEFT + min(left, LEFT_CLASSES - 1)] = 1.0
    row[_SHARE_LEFT] = (left + 1) / (2 * (most - 1) + players)
    drift = DRIFT * np.sqrt(left + 1.0)
    for relative in range(players):
        score = state[SCORES + (observer + relative) % players]
        ahead = score - state[SCORES + observer]
        row[_SEATS + relative] = 1.0
        row[_SCORE + relative] = score / 100.0
        row[_AHEAD + relative] = ahead / 30.0
        row[_PRESSURE + relative] = ahead / drift


@kernel
def encode_standing(state: State, row: npt.NDArray[np.float32]) -> None:
    """Write how the game stands before the round, into `row` (`[STANDING_FEATURES]`)."""
    players, observer = state[PLAYERS], state[SEAT]
    for relative in range(MAX_PLAYERS):
        row[relative] = 0.0
        if relative < players:
            row[relative] = (state[RANDOM_SEATS] >> ((observer + relative) % players)) & 1
    encode_game(state, row[MAX_PLAYERS:])


@kernel
def encode_game_views(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """Each state's observation and where its game stands, in `rows` (`[rows, VIEW_FEATURES]`)."""
    for i in range(len(states)):
        encode(states[i], rows[i, :FEATURES], slots[i])
        encode_game(states[i], rows[i, FEATURES:])


@kernel
def encode_game_wholes(
    states: State, rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int64]
) -> None:
    """The same with the deal between, in `rows` (`[rows, GAME_WHOLE_FEATURES]`)."""
    for i in range(len(states)):
        encode_whole(states[i], rows[i, :WHOLE_FEATURES], slots[i])
        encode_game(states[i], rows[i, WHOLE_FEATURES:])


@kernel
def encode_standing_rows(states: State, rows: npt.NDArray[np.float32]) -> None:
    """`encode_standing` for each of `[rows, STATE]`."""
    for i in range(len(states)):
        encode_standing(states[i], rows[i])
