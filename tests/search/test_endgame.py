"""Ends of rounds without a network: settled rounds by counting, the last tricks by solving."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from endings import ENDINGS, ending, only_good_action, results
from positions import RandomRound, legal_of, played

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import ACTIONS, PLAYERS, SEAT, is_over
from blobmaster.game.scoring import points
from blobmaster.search.endgame import (
    MAX_SOLVED_TRICKS,
    is_settled,
    new_solver_stack,
    solve,
    tricks_left,
)

SIZES = [(3, 17), (3, 2), (4, 5), (4, 2), (5, 7), (5, 3), (6, 4), (8, 2)]


def solved(state: np.ndarray) -> np.ndarray:
    """Return each seat's points by the kernel."""
    made = np.full(MAX_PLAYERS, np.nan)
    before = state.copy()
    solve(state, new_solver_stack(), made)
    assert (state == before).all()
    assert (made[state[PLAYERS] :] == 0).all()
    return made[: state[PLAYERS]]


def by_the_book(state: np.ndarray) -> list[Fraction]:
    """Return the same by recursion, in fractions: the mean over each seat's best actions."""
    if is_over(state):
        return [Fraction(int(points(state, seat))) for seat in range(state[PLAYERS])]
    found = [by_the_book(played(state, action)) for action in legal_of(state)]
    most = max(each[state[SEAT]] for each in found)
    best = [each for each in found if each[state[SEAT]] == most]
    return [sum(made) / len(best) for made in zip(*best, strict=True)]


def endings_of(seed: int, players: int, cards: int) -> list[np.ndarray]:
    """Return the states of a random round from its second to last trick on."""
    states = RandomRound(seed, players, cards).states
    return [s for s in states if s[ACTIONS] >= players and tricks_left(s) <= MAX_SOLVED_TRICKS]


def check_random_endings(count: int) -> None:
    checked = seed = 0
    while checked < count:
        for state in endings_of(seed, *SIZES[seed % len(SIZES)])[seed % 3 :: 3]:
            assert solved(state) == pytest.approx([float(made) for made in by_the_book(state)])
            checked += 1
        seed += 1


def test_hundreds_of_random_endings_are_solved_like_plain_recursion_does():
    check_random_endings(300)


@pytest.mark.long
def test_ten_thousand_random_endings_are_solved_like_plain_recursion_does():
    check_random_endings(10_000)


def test_a_result_that_does_not_depend_on_ties_is_found():
    judged = 0
    for seed in range(60):
        for state in endings_of(seed, *SIZES[seed % len(SIZES)]):
            if len(only := results(state)) == 1:
                assert solved(state).tolist() == list(next(iter(only)))
                judged += 1
    assert judged > 300


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "avoid the second trick"])
def test_the_right_card_of_an_ending_has_the_highest_value_for_its_seat(name):
    state = ending(*ENDINGS[name][:-1])
    seat = state[SEAT]
    worth = {action: solved(played(state, action))[seat] for action in legal_of(state)}
    assert max(worth, key=worth.__getitem__) == only_good_action(state)
    assert solved(state)[seat] == max(worth.values())


def can_change(state: np.ndarray) -> bool:
    """Return True if two ways to play on lead to different points."""
    seen: set[tuple[int, ...]] = set()
    waiting = [state]
    while waiting and len(seen) < 2:
        state = waiting.pop()
        if is_over(state):
            seen.add(tuple(int(points(state, seat)) for seat in range(state[PLAYERS])))
        else:
            waiting += [played(state, action) for action in legal_of(state)]
    return len(seen) > 1


def test_no_points_change_after_a_round_is_settled():
    early = 0
    for seed in range(300):
        moves = RandomRound(seed, *[(3, 5), (4, 4), (5, 3), (4, 6)][seed % 4])
        made = [int(points(moves.end, seat)) for seat in range(moves.end[PLAYERS])]
        settled = [is_settled(state) for state in moves.states]
        assert settled == sorted(settled)  # once settled, settled to the end
        assert is_settled(moves.end)
        for state in moves.states[settled]:
            assert [int(points(state, seat)) for seat in range(state[PLAYERS])] == made
            early += tricks_left(state) > 1
            assert tricks_left(state) > 3 or not can_change(state)
    assert early > 50


def test_a_round_is_open_while_a_seat_may_still_make_its_bid():
    # Seat 0 has taken more than it bid; with the last trick seat 1 would still make its own.
    state = ending("-", ["A♥ 2♥", "3♥ K♥", "4♥ Q♥"], [0, 1, 2], "A♥ 3♥ 4♥")
    assert not is_settled(state)
    state = ending("-", ["A♥ 2♥", "3♥ K♥", "4♥ Q♥"], [0, 2, 2], "A♥ 3♥ 4♥")
    assert is_settled(state)


def test_a_round_without_all_bids_is_not_settled():
    for state in RandomRound(3, 4, 5).states[:4]:
        assert not is_settled(state)
