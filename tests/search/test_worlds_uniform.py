"""Where the possible worlds can be enumerated, each is drawn as often as any other."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from belief_states import all_worlds, other_seats, play_round
from scipy.stats import chisquare

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import HANDS, STATE
from blobmaster.kernels import kernel
from blobmaster.randomness import below, stream
from blobmaster.search.determinize import new_table, prepare_worlds, sample_world

FEWEST_WORLDS, MOST_WORLDS = 20, 1500
DRAWS_A_WORLD = 200


@kernel
def find_state(stream, players, cards, groups, table, state):
    """Play random rounds to a `state` with so many different sets of voids; return its observer."""
    states = np.empty((MAX_PLAYERS + CARDS, STATE), np.int64)
    actions = np.empty(MAX_PLAYERS + CARDS, np.int64)
    while True:
        count = play_round(stream, players, cards, states, actions)
        state[:] = states[below(stream, count)]
        observer = below(stream, players)
        prepare_worlds(state, observer, table)
        if table.groups[0] == groups:
            return observer


def enumerable_cases(players: int, cards: int, groups: int, wanted: int):
    """`(state, observer, worlds)` with few enough worlds to list them."""
    choices, table = stream(11, "enumerable", players, cards, groups), new_table()
    while wanted:
        state = np.empty(STATE, np.int64)
        observer = find_state(choices, players, cards, groups, table, state)
        worlds = list(islice(all_worlds(state, observer), MOST_WORLDS + 1))
        if FEWEST_WORLDS <= len(worlds) <= MOST_WORLDS:
            wanted -= 1
            yield state, observer, worlds


@kernel
def draw_hands(state, observer, table, stream, hands):
    """Fill `hands` (`[draws, MAX_PLAYERS]`) with the hands of one world a row."""
    world = np.empty(STATE, np.int64)
    prepare_worlds(state, observer, table)
    for i in range(len(hands)):
        sample_world(state, observer, table, stream, world)
        hands[i] = world[HANDS : HANDS + MAX_PLAYERS]


@pytest.mark.parametrize(
    ("players", "cards", "groups", "cases"),
    [
        (3, 17, 0, 2),
        (3, 17, 1, 3),
        (3, 17, 2, 6),
        (4, 13, 0, 2),
        (4, 13, 1, 3),
        (4, 13, 2, 6),
        (4, 13, 3, 8),
        (5, 10, 2, 5),
        (5, 10, 3, 8),
        (5, 10, 4, 8),
        (6, 8, 4, 4),
        (6, 8, 5, 4),
        (7, 7, 5, 2),
    ],
)
def test_every_possible_world_is_equally_likely(players, cards, groups, cases):
    for case, (state, observer, worlds) in enumerate(
        enumerable_cases(players, cards, groups, cases)
    ):
        hands = np.empty((DRAWS_A_WORLD * len(worlds), MAX_PLAYERS), np.int64)
        draws = stream(12, "uniform", players, cards, groups, case)
        draw_hands(state, observer, new_table(), draws, hands)
        index = {world: i for i, world in enumerate(worlds)}
        drawn = hands[:, other_seats(state, observer)].tolist()
        counts = np.bincount([index[tuple(world)] for world in drawn], minlength=len(worlds))
        # Of some 60 exact cases the least p-value is below this for one choice of seeds in 1600.
        assert chisquare(counts).pvalue > 1e-5
