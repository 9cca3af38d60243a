"""Duplicate play: every deal is played once per rotation of the seats, all tables in lockstep.

A deal is a single round, a whole game whose cards are all dealt beforehand, or a series of rounds
of which only the last counts. Every player of a table holds every hand once, which removes most of
the luck of the cards. A round's random stream starts from the same state in every rotation, so that
identical players get identical scores even if they draw their actions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Agent, Remembering
from blobmaster.game.rules import (
    BIDS,
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
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import kernel
from blobmaster.selfplay.deals import Deals

Lineups = npt.NDArray[np.int64]
"""`[deals, places]`: the agent at each place of a deal's table, as an index."""


class Results(NamedTuple):
    """The results by place. In rotation r, place p sits at seat (p + r) modulo the places."""

    points: npt.NDArray[np.int64]
    """`[deals, rotations, places]`: points in the round or game."""
    exact: npt.NDArray[np.float64]
    """`[deals, rotations, places]`: share of bids made exactly."""

    @property
    def wins(self) -> npt.NDArray[np.float64]:
        """`[deals, rotations, places]`: share of the win; players tied for first split it."""
        return shares_of_win(self.points)


def shares_of_win(points: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Convert points (`[..., places]`) into each place's share of the win."""
    # Points are whole numbers, so ties are exact.
    best = points == points.max(axis=-1, keepdims=True)
    return best / best.sum(axis=-1, keepdims=True)


class _Tables(NamedTuple):
    """T tables of P seats; the P rotations of a deal are neighbours."""

    states: State
    """`[T, STATE]`."""
    streams: npt.NDArray[np.uint64]
    """`[T, 1]`: the random stream of the current round."""
    round_of: npt.NDArray[np.int64]
    """`[T]`: the current round, as an index into the deals' rounds."""
    last: npt.NDArray[np.int64]
    """`[T]`: the last round of the table's game or series."""
    counts_last: bool
    """True if no other round counts."""
    exact: npt.NDArray[np.int64]
    """`[T, P]`: the number of bids that each seat made exactly so far."""
    over: npt.NDArray[np.bool_]
    """`[T]`: True after the last round."""
    ends: State
    """`[T, R, STATE]`: the ends of the game's rounds so far; R is one less than the most rounds."""
    ended: npt.NDArray[np.int64]
    """`[T]`: the number of these rounds."""
    plan: npt.NDArray[np.int64]
    deck: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.uint64]
    """The initial streams of the rounds. These four are the fields of `Deals`."""


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
        agents: the players to which `lineups` refers. Their batches hold rows of these deals only,
            so the results depend on these arguments alone.
        lineups: each deal's table; a player may sit at several of its places.
        deals: rounds, games or series for as many players as a table has places.
        should_stop: called between steps; when it returns True, play is abandoned.
        on_deals: called with the number of deals that a step finished, in all their rotations.

    Returns:
        The results in the order of `deals`, or None if they were abandoned.

    Raises:
        ValueError: the deals are for another number of players, or an agent chose an illegal
            action.
    """
    places = lineups.shape[1]
    if (deals.plan[:, 0] != places).any():
        raise ValueError(f"a table of {places} places needs deals for {places} players")
    tables = _new_tables(deals, places)
    count = len(tables.states) // places
    _open_all(tables, deals.starts)
    counted = np.ones(count, np.int64) if deals.counts_last else np.diff(deals.starts)
    seated = _seat_agents(lineups)
    finished = 0
    # Every step asks each agent once, with all tables at which it is to act: large batches are what
    # makes networks fast.
    while not should_stop():
        if tables.over.all():
            return _results(tables, counted)
        waiting = np.flatnonzero(~tables.over)
        acting = seated[waiting, tables.states[waiting, SEAT]]
        for number, agent in enumerate(agents):
            rows = waiting[acting == number]
            if len(rows) > 0:
                drawn = tables.streams[rows]  # a copy: fancy indexing gives no view to write to
                if isinstance(agent, Remembering):
                    earlier = [tables.ends[row, : tables.ended[row]] for row in rows]
                    actions = agent.choose_after(tables.states[rows], drawn, earlier)
                else:
                    actions = agent.choose(tables.states[rows], drawn)
                tables.streams[rows] = drawn
                _apply_actions(tables, rows, actions)
        played = int(tables.over.reshape(count, places).all(axis=1).sum())
        if played > finished:
            on_deals(played - finished)
            finished = played
    return None


def _seat_agents(lineups: Lineups) -> Lineups:
    """Return `[tables, seats]`, the agent at each seat; the rotations of a deal are neighbours."""
    places = np.arange(lineups.shape[1])
    # Row r lists the place at each seat in rotation r: the inverse of `Results`,
    # which lists seats by place.
    seated = lineups[:, (places[None, :] - places[:, None]) % len(places)]
    return seated.reshape(-1, len(places))


def _new_tables(deals: Deals, places: int) -> _Tables:
    count = (len(deals.starts) - 1) * places
    return _Tables(
        states=np.zeros((count, STATE), np.int64),
        streams=np.zeros((count, 1), np.uint64),
        round_of=np.zeros(count, np.int64),
        last=np.repeat(deals.starts[1:] - 1, places),
        counts_last=deals.counts_last,
        exact=np.zeros((count, places), np.int64),
        over=np.zeros(count, np.bool_),
        ends=np.zeros((count, int(np.diff(deals.starts).max(initial=1)) - 1, STATE), np.int64),
        ended=np.zeros(count, np.int64),
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
    # The round's own stream in every rotation, whatever the earlier rounds of the game have drawn.
    tables.streams[table] = tables.drawn[number]


@kernel
def _play_on(tables: _Tables, table: int) -> None:
    """Play forced actions; when a round is over, score it and deal the table's next one."""
    state = tables.states[table]
    play_forced(state)
    while is_over(state):
        is_last = tables.round_of[table] == tables.last[table]
        if not is_last:
            copy_row(state, tables.ends[table, tables.ended[table]])
            tables.ended[table] += 1
        if is_last or not tables.counts_last:
            for seat in range(state[PLAYERS]):
                tables.exact[table, seat] += state[BIDS + seat] == state[TRICKS + seat]
            score_round(state)
        if is_last:
            tables.over[table] = True
            return
        _deal(tables, table, tables.round_of[table] + 1)
        play_forced(state)


@kernel
def _apply_actions(
    tables: _Tables, rows: npt.NDArray[np.int64], actions: npt.NDArray[np.int64]
) -> None:
    """Apply an action at each of the tables `rows` and advance it to its next decision."""
    legal = np.empty(MAX_LEGAL, np.int64)
    for i in range(len(rows)):
        state = tables.states[rows[i]]
        count = legal_actions(state, legal)
        # Checked for every action: a wrong player would spoil a state without any sign of it.
        if actions[i] not in legal[:count]:
            raise ValueError("an agent chose an illegal action")
        apply(state, actions[i])
        _play_on(tables, rows[i])


def _results(tables: _Tables, rounds: npt.NDArray[np.int64]) -> Results:
    """Turn results by seat into results by place.

    Args:
        tables: the finished tables.
        rounds: `[deals]`, the number of rounds of each deal that count.
    """
    places = np.arange(tables.exact.shape[1])
    # seat_of[rotation, place]: the inverse of the rotation in `_seat_agents`.
    seat_of = (places[None, :] + places[:, None]) % len(places)
    shape = (len(rounds), len(places), len(places))
    made = tables.states[:, SCORES : SCORES + len(places)].reshape(shape)
    exact = tables.exact.reshape(shape) / rounds[:, None, None]
    rotations = places[:, None]
    # Indexing by two arrays picks the place's own seat in each rotation.
    return Results(made[:, rotations, seat_of].copy(), exact[:, rotations, seat_of])
