"""Duplicate play: the same deals once for every rotation of the seats, all in lock-step.

What is dealt are rounds that stand alone or whole games, all cards of which are dealt beforehand.
The luck of the cards falls on every player of a table alike, so what is left between them is how
they play. A round's draws start from its deal's stream in every rotation, so that players that
play alike score alike, drawn choices included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Agent
from blobmaster.game.rules import (
    BIDS,
    LEFT,
    MAX_LEGAL,
    PLAYERS,
    SCORES,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    is_over,
    legal_actions,
    play_forced,
)
from blobmaster.game.standing import deal_next, score_round
from blobmaster.kernels.compile import kernel
from blobmaster.selfplay.deals import Deals

Lineups = npt.NDArray[np.int64]
"""`[deals, players]`: who sits at each place of a deal's table, as indices of agents."""


class Results(NamedTuple):
    """What every place of every table made. In rotation r, place p sits at seat (p + r)."""

    points: npt.NDArray[np.int64]
    """`[deals, rotations, places]`: points of the round or game."""
    exact: npt.NDArray[np.float64]
    """`[deals, rotations, places]`: share of its bids that were made exactly."""

    @property
    def wins(self) -> npt.NDArray[np.float64]:
        """`[deals, rotations, places]`: share of the win, which those with the most points have."""
        return shares_of_win(self.points)


def shares_of_win(points: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """`[.., places]` points of tables to each place's share of the win."""
    best = points == points.max(axis=-1, keepdims=True)
    return best / best.sum(axis=-1, keepdims=True)


class _Tables(NamedTuple):
    """T tables of P seats: every deal in all its rotations, one after another."""

    states: State
    """`[T, STATE]`."""
    streams: npt.NDArray[np.uint64]
    """`[T, 1]`: of the round on the table."""
    round_of: npt.NDArray[np.int64]
    """`[T]`: which of the deals' rounds that is."""
    exact: npt.NDArray[np.int64]
    """`[T, P]`: bids that each seat has made exactly."""
    over: npt.NDArray[np.bool_]
    """`[T]`: whether the last round has been played."""
    plan: npt.NDArray[np.int64]
    deck: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.uint64]
    """As in `Deals`, where `drawn` is called streams."""


def play_deals(
    agents: Sequence[Agent],
    lineups: Lineups,
    deals: Deals,
    *,
    should_stop: Callable[[], bool],
    on_deals: Callable[[int], None],
) -> Results | None:
    """Play each deal with its lineup, once for every rotation of the seats.

    Args:
        agents: the players that `lineups` speaks of; asked with batches of these rounds alone, so
            that the results follow from these arguments and nothing else.
        lineups: each deal's table; a player may sit at several of its places.
        deals: rounds or games of as many players as a table has places.
        should_stop: looked at between two steps; when true the deals are given up.
        on_deals: told how many deals were finished, in all their rotations, by a step.

    Returns:
        The results in the order of `deals`, or None if they were abandoned.

    Raises:
        ValueError: the deals are not for the tables' number of players, or an agent chose what
            is not legal.
    """
    places = lineups.shape[1]
    if (deals.plan[:, 0] != places).any():
        raise ValueError(f"deals for {places} places are deals for {places} players each")
    tables = _new_tables(deals, places)
    count = len(tables.states) // places
    _open_all(tables, deals.starts)
    seated = _seated(lineups)
    finished = 0
    while not should_stop():
        if tables.over.all():
            return _results(tables, np.diff(deals.starts))
        waiting = np.flatnonzero(~tables.over)
        acting = seated[waiting, tables.states[waiting, SEAT]]
        for number, agent in enumerate(agents):
            rows = waiting[acting == number]
            if len(rows) > 0:
                drawn = tables.streams[rows]
                actions = agent.choose(tables.states[rows], drawn)
                tables.streams[rows] = drawn
                _take(tables, rows, actions)
        played = int(tables.over.reshape(count, places).all(axis=1).sum())
        if played > finished:
            on_deals(played - finished)
            finished = played
    return None


def _seated(lineups: Lineups) -> Lineups:
    """`[tables, seats]`: who sits where, the rotations of a deal one after another."""
    places = np.arange(lineups.shape[1])
    seated = lineups[:, (places[None, :] - places[:, None]) % len(places)]
    return seated.reshape(-1, len(places))


def _new_tables(deals: Deals, places: int) -> _Tables:
    count = (len(deals.starts) - 1) * places
    return _Tables(
        states=np.zeros((count, STATE), np.int64),
        streams=np.zeros((count, 1), np.uint64),
        round_of=np.zeros(count, np.int64),
        exact=np.zeros((count, places), np.int64),
        over=np.zeros(count, np.bool_),
        plan=deals.plan,
        deck=deals.deck,
        places=deals.places,
        drawn=deals.streams,
    )


@kernel
def _open_all(tables: _Tables, starts: npt.NDArray[np.int64]) -> None:
    rotations = tables.exact.shape[1]
    for table in range(len(tables.states)):
        _deal(tables, table, starts[table // rotations])
        _play_on(tables, table)


@kernel
def _deal(tables: _Tables, table: int, number: int) -> None:
    most, left = tables.places[number]
    deal_next(tables.states[table], tables.plan[number], tables.deck[number], most, left)
    tables.round_of[table] = number
    tables.streams[table] = tables.drawn[number]


@kernel
def _play_on(tables: _Tables, table: int) -> None:
    """Play what is forced, and deal the next round of the game where one is over."""
    state = tables.states[table]
    play_forced(state)
    while is_over(state):
        for seat in range(state[PLAYERS]):
            tables.exact[table, seat] += state[BIDS + seat] == state[TRICKS + seat]
        score_round(state)
        if state[LEFT] == 0:
            tables.over[table] = True
            return
        _deal(tables, table, tables.round_of[table] + 1)
        play_forced(state)


@kernel
def _take(tables: _Tables, rows: npt.NDArray[np.int64], actions: npt.NDArray[np.int64]) -> None:
    """Take an action at each of the tables `rows`, and go on to its next choice."""
    legal = np.empty(MAX_LEGAL, np.int64)
    for i in range(len(rows)):
        state = tables.states[rows[i]]
        count = legal_actions(state, legal)
        if actions[i] not in legal[:count]:
            raise ValueError("an agent chose an action that is not legal")
        apply(state, actions[i])
        _play_on(tables, rows[i])


def _results(tables: _Tables, rounds: npt.NDArray[np.int64]) -> Results:
    """Args: the tables, and how many rounds each deal has."""
    places = np.arange(tables.exact.shape[1])
    seat_of = (places[None, :] + places[:, None]) % len(places)
    shape = (len(rounds), len(places), len(places))
    made = tables.states[:, SCORES : SCORES + len(places)].reshape(shape)
    exact = tables.exact.reshape(shape) / rounds[:, None, None]
    rotations = places[:, None]
    return Results(made[:, rotations, seat_of].copy(), exact[:, rotations, seat_of])
