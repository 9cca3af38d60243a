"""Where the possible worlds can be enumerated, all are drawn equally often."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import islice, product
from math import comb, prod
from operator import sub

import numpy as np
import pytest
from belief_states import all_worlds, allowed_cards, other_seats, play_round
from card_sets import SUIT_MASKS
from scipy.stats import chisquare

from blobmaster.game.cards import CARDS, MAX_PLAYERS, cards_in
from blobmaster.game.rules import HANDS, STATE
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import below, stream
from blobmaster.search.belief import hidden_cards
from blobmaster.search.determinization import new_table, prepare_worlds, sample_world

FEWEST_WORLDS, MOST_WORLDS = 20, 1500
DRAWS_A_WORLD = 200


@kernel
def find_state(stream, players, cards, groups, table, state):
    """Play random rounds until a state has so many different sets of voids; return its observer."""
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
    """Return triples `(state, observer, worlds)` with few enough worlds to list them."""
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
    """Fill `hands` (`[draws, MAX_PLAYERS]`) with the hands of one world per row."""
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


def split_counts(state: np.ndarray, observer: int, first: int) -> dict[tuple[int, ...], int]:
    """Count the worlds that give seat `first` each number of cards per suit, in exact integers."""
    seats = [first, *(seat for seat in other_seats(state, observer) if seat != first)]
    sizes = [len(cards_in(state[HANDS + seat])) for seat in seats]
    allowed = [suit_counts(allowed_cards(state, observer, seat)) for seat in seats]

    def splits(place: int, left: tuple[int, ...]):
        bounds = [n if may else 0 for n, may in zip(left, allowed[place], strict=True)]
        for split in product(*(range(min(bound, sizes[place]) + 1) for bound in bounds)):
            if sum(split) == sizes[place]:
                yield split, prod(map(comb, left, split))

    @cache
    def deals(place: int, left: tuple[int, ...]) -> int:
        if place == len(seats):
            return 1
        return sum(
            ways * deals(place + 1, tuple(map(sub, left, split)))
            for split, ways in splits(place, left)
        )

    hidden = suit_counts(set(cards_in(hidden_cards(state, observer))))
    return {
        split: ways * deals(1, tuple(map(sub, hidden, split))) for split, ways in splits(0, hidden)
    }


def suit_counts(cards: set[int]) -> tuple[int, ...]:
    return tuple(sum(card // 13 == suit for card in cards) for suit in range(4))


def large_case(players: int, cards: int, groups: int):
    """Return a state with so many sets of voids, two or more cards a hand, and its observer."""
    choices, state = stream(13, "large", players, cards, groups), np.empty(STATE, np.int64)
    while True:
        observer = find_state(choices, players, cards, groups, new_table(), state)
        if min(len(cards_in(state[HANDS + seat])) for seat in range(players)) >= 2:
            return state, observer


def p_value(drawn: Counter, shares: dict[tuple[int, ...], int]) -> float:
    """Return the p-value of a χ² test of draws against shares; rare cases are pooled into one."""
    assert all(shares.get(split, 0) > 0 for split in drawn)
    scale = drawn.total() / sum(shares.values())
    common = [split for split in shares if shares[split] * scale >= 10]
    observed = [drawn[split] for split in common]
    expected = [shares[split] * scale for split in common]
    rare = drawn.total() - sum(expected)
    if rare >= 5:
        observed.append(drawn.total() - sum(observed))
        expected.append(rare)
    return chisquare(observed, np.array(expected) * (sum(observed) / sum(expected))).pvalue


@pytest.mark.parametrize(
    ("players", "cards", "groups"),
    [(4, 7, 2), (4, 7, 3), (4, 13, 3), (5, 8, 3), (5, 8, 4), (6, 8, 4), (8, 6, 3), (8, 6, 5)],
)
def test_suit_lengths_in_large_deals_have_the_counted_probabilities(players, cards, groups):
    state, observer = large_case(players, cards, groups)
    hands = np.empty((100_000, MAX_PLAYERS), np.int64)
    draw_hands(state, observer, new_table(), stream(14, "large", players, cards, groups), hands)
    of_suits = np.stack([np.bitwise_count(hands & mask) for mask in SUIT_MASKS], axis=-1)
    for seat in other_seats(state, observer):
        drawn = Counter(map(tuple, of_suits[:, seat].tolist()))
        assert p_value(drawn, split_counts(state, observer, seat)) > 1e-5
