"""Duplicate play: the same deals once for every rotation of the seats, all rounds in lock-step.

The luck of the cards falls on every player of a table alike, so what is left between them is how
they play. A round's draws start from its deal's stream in every rotation, so that players that
play alike score alike, drawn choices included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import (
    BIDS,
    MAX_LEGAL,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    deal_into,
    is_over,
    legal_actions,
    play_forced,
    points,
)
from blobmaster.kernels import kernel
from blobmaster.play.agents import Agent
from blobmaster.play.deals import Deals

Lineups = npt.NDArray[np.int64]
"""`[deals, players]`: who sits at each place of a deal's table, as indices of agents."""


class Results(NamedTuple):
    """What every place of every table made. In rotation r, place p sits at seat (p + r)."""

    points: npt.NDArray[np.int64]
    """`[deals, rotations, places]`: points of the round."""
    exact: npt.NDArray[np.bool_]
    """`[deals, rotations, places]`: whether the bid was made exactly."""


def play_deals(
    agents: Sequence[Agent],
    lineups: Lineups,
    deals: Deals,
    *,
    abandon: Callable[[], bool],
    on_deals: Callable[[int], None],
) -> Results | None:
    """Play each deal with its lineup, once for every rotation of the seats.

    Args:
        agents: the players that `lineups` speaks of; asked with batches of these rounds alone, so
            that the results follow from these arguments and nothing else.
        lineups: each deal's table; a player may sit at several of its places.
        deals: rounds of as many players as a table has places.
        abandon: looked at between two steps; when true the deals are given up.
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
    states = np.empty((len(deals) * places, STATE), np.int64)
    streams = np.repeat(deals.streams, places, axis=0)
    over = np.zeros(len(states), np.bool_)
    _deal_all(states, deals.plan, deals.deck, over)
    seated = _seated(lineups)
    finished = 0
    while not abandon():
        if over.all():
            return _results(states, places)
        waiting = np.flatnonzero(~over)
        acting = seated[waiting, states[waiting, SEAT]]
        for number, agent in enumerate(agents):
            rows = waiting[acting == number]
            if len(rows) > 0:
                drawn = streams[rows]
                _take(states, rows, agent.choose(states[rows], drawn), over)
                streams[rows] = drawn
        played = int(over.reshape(len(deals), places).all(axis=1).sum())
        if played > finished:
            on_deals(played - finished)
            finished = played
    return None


def _seated(lineups: Lineups) -> Lineups:
    """`[rounds, seats]`: who sits where, the rotations of a deal one after another."""
    places = np.arange(lineups.shape[1])
    seated = lineups[:, (places[None, :] - places[:, None]) % len(places)]
    return seated.reshape(-1, len(places))


@kernel
def _deal_all(
    states: State,
    plan: npt.NDArray[np.int64],
    deck: npt.NDArray[np.int64],
    over: npt.NDArray[np.bool_],
) -> None:
    rotations = len(states) // len(plan)
    for number in range(len(states)):
        players, cards, trump, dealer = plan[number // rotations]
        deal_into(states[number], players, cards, trump, dealer, deck[number // rotations])
        play_forced(states[number])
        over[number] = is_over(states[number])


@kernel
def _take(
    states: State,
    rows: npt.NDArray[np.int64],
    actions: npt.NDArray[np.int64],
    over: npt.NDArray[np.bool_],
) -> None:
    """Take an action in each of `rows`, and what is forced after it."""
    legal = np.empty(MAX_LEGAL, np.int64)
    for i in range(len(rows)):
        state = states[rows[i]]
        count = legal_actions(state, legal)
        if actions[i] not in legal[:count]:
            raise ValueError("an agent chose an action that is not legal")
        apply(state, actions[i])
        play_forced(state)
        over[rows[i]] = is_over(state)


def _results(states: State, places: int) -> Results:
    made = np.empty((len(states) // places, places, places), np.int64)
    exact = np.empty(made.shape, np.bool_)
    _count(states, made, exact)
    return Results(made, exact)


@kernel
def _count(states: State, made: npt.NDArray[np.int64], exact: npt.NDArray[np.bool_]) -> None:
    places = made.shape[2]
    for number in range(len(states)):
        deal, rotation = divmod(number, places)
        for place in range(places):
            seat = (place + rotation) % places
            made[deal, rotation, place] = points(states[number], seat)
            exact[deal, rotation, place] = (
                states[number, BIDS + seat] == states[number, TRICKS + seat]
            )
