"""ISMCTS visits actions like OpenSpiel's bot, over worlds that are possible for the seat."""

from __future__ import annotations

import numpy as np
import pytest
from positions import RandomRound, exchange_hidden, legal_of

from blobmaster.agents.openspiel import OpenSpielAgent, Position
from blobmaster.game.rules import SEAT, is_bidding
from blobmaster.kernels.rng import stream
from blobmaster.search.ismcts import most_visited, new_information_sets, search_information_sets

EXPLORATION = 10.0


def choices(rounds: int, players: int = 4, cards: int = 5) -> list[np.ndarray]:
    """Return one decision of each of some rounds, early and late ones."""
    found = []
    for seed in range(rounds):
        states = RandomRound(seed, players, cards).choices
        found.append(states[seed % len(states)])
    return found


def visits_of(state: np.ndarray, simulations: int, draws: np.ndarray) -> np.ndarray:
    sets = new_information_sets(simulations)
    search_information_sets(sets, state, simulations, EXPLORATION, draws)
    return sets.edge_visits[0, : len(legal_of(state))].copy()


def test_every_simulation_but_the_first_goes_on_from_the_root():
    for state in choices(20):
        visits = visits_of(state, 50, stream(0, "sum"))
        assert visits.sum() == 49
        assert visits.min() >= 1


def test_hidden_cards_change_nothing_and_equal_streams_give_equal_searches():
    for number, state in enumerate(choices(20)):
        visits = visits_of(state, 60, stream(0, "hidden"))
        exchanged = exchange_hidden(state, state[SEAT], number)
        assert (visits == visits_of(exchanged, 60, stream(0, "hidden"))).all()


def test_the_scratch_of_an_earlier_search_changes_nothing():
    sets = new_information_sets(80)
    for state in choices(20):
        fresh = visits_of(state, 80, stream(0, "scratch"))
        search_information_sets(sets, state, 80, EXPLORATION, stream(0, "scratch"))
        assert (sets.edge_visits[0, : len(fresh)] == fresh).all()


def test_the_most_visited_action_is_taken():
    for state in choices(20):
        sets = new_information_sets(40)
        search_information_sets(sets, state, 40, EXPLORATION, stream(0, "taken"))
        legal = legal_of(state)
        chosen = most_visited(sets, state, stream(1, "taken"))
        assert sets.edge_visits[0, legal.index(chosen)] == sets.edge_visits[0].max()


def openspiel_visits(state: np.ndarray, simulations: int, draws: np.ndarray) -> np.ndarray:
    bot = OpenSpielAgent(simulations, EXPLORATION).bot(state, draws)
    bot.run_search(Position(state))
    return np.array([bot._root_node.child_info[a].visits for a in legal_of(state)])


def compared(rounds: int, repeats: int, simulations: int) -> np.ndarray:
    """Return the differences of the actions' mean visits, in standard errors."""
    apart = []
    for number, state in enumerate(choices(rounds)):
        ours, theirs = (
            np.array([search(state, simulations, stream(n, name, number)) for n in range(repeats)])
            for name, search in (("ours", visits_of), ("theirs", openspiel_visits))
        )
        spread = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / repeats)
        apart.append(((ours.mean(axis=0) - theirs.mean(axis=0)) / np.maximum(spread, 1e-9))[1:])
    return np.concatenate(apart)


def test_actions_are_visited_as_often_as_by_openspiel():
    apart = compared(rounds=6, repeats=40, simulations=30)
    assert len(apart) > 10
    assert np.abs(apart).max() < 4.5


@pytest.mark.long
def test_actions_are_visited_as_often_as_by_openspiel_in_many_positions():
    apart = compared(rounds=40, repeats=200, simulations=100)
    assert len(apart) > 80
    assert np.abs(apart).max() < 4.5
    assert 0.8 < apart.std() < 1.25  # what chance alone leaves between two samples


def test_both_phases_are_among_the_positions():
    assert 0 < sum(bool(is_bidding(state)) for state in choices(6)) < 6
