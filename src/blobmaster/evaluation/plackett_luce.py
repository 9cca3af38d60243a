"""Strengths from rankings: the Plackett-Luce model, fitted by minorization-maximization.

A ranking is read as choices: the best player is chosen among all of a table, the next among those
left, and so on; a player is chosen in proportion to its strength. Players that tie are chosen in
every order alike. All that the fit needs of many rankings is how often each set of players was
chosen from and how often each player was chosen (Hunter 2004, "MM algorithms for generalized
Bradley-Terry models").
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.kernels.compile import kernel

EMPTY = np.iinfo(np.int16).min
"""Fills up a standing that is shorter than others."""

CLOSE_ENOUGH = 1e-6
"""The fit ends when no logarithm of a strength moves by more than this in one step; measured on a
hundred ratings, it is then within 0.1 Elo of where it would end."""

Standings = npt.NDArray[np.int16]
"""`[rankings, places]`: each table's players from best to worst; one that ties with the player
before it is written as `~player`, a place that the table does not have as `EMPTY`."""


def standings_of(players: npt.NDArray[np.int64], points: npt.NDArray[np.int64]) -> Standings:
    """Rank tables by points; players that tie stand in the order of their numbers.

    Args:
        players: `[tables, places]`, who sat there.
        points: `[tables, places]`, what they made.
    """
    order = np.lexsort((players, -points), axis=1)
    ranked = np.take_along_axis(players, order, axis=1)
    made = np.take_along_axis(points, order, axis=1)
    ties = np.zeros(ranked.shape, np.bool_)
    ties[:, 1:] = made[:, 1:] == made[:, :-1]
    return np.where(ties, ~ranked, ranked).astype(np.int16)


class Choices(NamedTuple):
    """Rankings as choices; E entries below say how much of a set one ranking brings."""

    sets: npt.NDArray[np.int64]
    """`[sets, places]`: distinct sets of players to choose from, filled up with `EMPTY`."""
    set_ranking: npt.NDArray[np.int64]
    """`[E]`: the ranking of an entry."""
    set_number: npt.NDArray[np.int64]
    """`[E]`: its set."""
    set_share: npt.NDArray[np.float64]
    """`[E]`: how often, in one such ranking, a player is chosen from that set."""
    win_ranking: npt.NDArray[np.int64]
    """`[W]`: for each player of each ranking, the ranking."""
    win_player: npt.NDArray[np.int64]
    """`[W]`: the player."""
    win_share: npt.NDArray[np.float64]
    """`[W]`: how often it is chosen from others; from 0, alone in last place, to 1."""


def choices_of(standings: Standings) -> Choices:
    """Read rankings as choices."""
    numbers: dict[tuple[int, ...], int] = {}
    sets: list[tuple[int, int, float]] = []
    wins: list[tuple[int, int, float]] = []
    for ranking, standing in enumerate(standings.tolist()):
        groups = _groups(standing)
        for position, group in enumerate(groups):
            worse = [player for other in groups[position + 1 :] for player in other]
            share = 1.0 if worse else 1.0 - 1.0 / len(group)
            wins += [(ranking, player, share) for player in group]
            for members, weight in _sets_chosen_from(group, worse):
                sets.append((ranking, numbers.setdefault(members, len(numbers)), weight))
    table = np.full((len(numbers), standings.shape[1]), EMPTY, np.int64)
    for members, number in numbers.items():
        table[number, : len(members)] = members
    set_ranking, set_number, set_share = _columns(sets)
    win_ranking, win_player, win_share = _columns(wins)
    return Choices(table, set_ranking, set_number, set_share, win_ranking, win_player, win_share)


def _groups(standing: list[int]) -> list[list[int]]:
    """Players that tie, best group first."""
    groups: list[list[int]] = []
    for entry in standing:
        if entry >= 0:
            groups.append([entry])
        elif entry != EMPTY:
            groups[-1].append(~entry)
    return groups


def _sets_chosen_from(
    group: list[int], worse: list[int]
) -> Iterator[tuple[tuple[int, ...], float]]:
    """The sets that players who tie are chosen from, over all their orders, and each one's share.

    When j of k are left to be chosen, they are any j of them alike.
    """
    for left in range(len(group), 0, -1):
        if left + len(worse) > 1:
            for members in combinations(group, left):
                yield tuple(sorted([*members, *worse])), 1.0 / comb(len(group), left)


def _columns(
    entries: list[tuple[int, int, float]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    table = np.array(entries, np.float64).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]


def fit(
    choices: Choices,
    counts: npt.NDArray[np.integer],
    start: npt.NDArray[np.float64],
    *,
    draws: float,
) -> npt.NDArray[np.float64]:
    """The most likely strengths, that of player 0 being 1.

    Args:
        choices: the rankings.
        counts: `[rankings]`, how often each was seen.
        start: `[players]`, strengths to begin with; a good guess saves time.
        draws: tied deals with player 0 that every player is taken to have played on top, which
            keeps a perfect record finite. Without any, each player must be linked to player 0 by
            wins and losses.

    Returns:
        `[players]`.
    """
    players = len(start)
    weights = np.zeros(len(choices.sets))
    np.add.at(weights, choices.set_number, choices.set_share * counts[choices.set_ranking])
    wins = np.zeros(players)
    np.add.at(wins, choices.win_player, choices.win_share * counts[choices.win_ranking])
    strengths = start / start[0]
    _maximize(choices.sets, weights, wins, draws, strengths)
    return strengths


@kernel
def _maximize(
    sets: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    wins: npt.NDArray[np.float64],
    draws: float,
    strengths: npt.NDArray[np.float64],
) -> None:
    """Raise the likelihood until nothing moves: a strength becomes wins over what it was due.

    A drawn deal is half a win for each and one choice between the two.
    """
    players = len(strengths)
    due = np.empty(players, np.float64)
    change = np.inf
    while change > CLOSE_ENOUGH:
        due[:] = 0.0
        for number in range(len(sets)):
            total = 0.0
            for player in sets[number]:
                if player != EMPTY:
                    total += strengths[player]
            for player in sets[number]:
                if player != EMPTY:
                    due[player] += weights[number] / total
        for player in range(1, players):
            drawn = draws / (strengths[0] + strengths[player])
            due[0] += drawn
            due[player] += drawn
        unit = (wins[0] + 0.5 * draws * (players - 1)) / due[0]
        change = 0.0
        for player in range(1, players):
            better = (wins[player] + 0.5 * draws) / due[player] / unit
            change = max(change, abs(np.log(better / strengths[player])))
            strengths[player] = better
