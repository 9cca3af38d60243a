"""Strengths from rankings: the Plackett-Luce model, fitted by minorization-maximization.

The model reads a ranking as choices: the first player is chosen among all of a table, the next
among the rest, and so on, each with a probability proportional to its strength. A tie counts as all
orders of its players, equally weighted. The sufficient statistics of many rankings are how often
each set of players was chosen from and how often each player was chosen (Hunter 2004, "MM
algorithms for generalized Bradley-Terry models").
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
"""Pads a standing that is shorter than the others."""

CONVERGENCE = 1e-6
"""The fit ends when no log strength moves by more than this in a step. On a hundred ratings it was
then within 0.1 Elo of its limit."""

Standings = npt.NDArray[np.int16]
"""`[rankings, places]`: each table's players from best to worst. A player that ties with the one
before it is stored as `~player`; missing places are `EMPTY`."""


def standings_of(players: npt.NDArray[np.int64], points: npt.NDArray[np.int64]) -> Standings:
    """Rank tables by points; tied players are sorted by number.

    Args:
        players: `[tables, places]`, the player at each place.
        points: `[tables, places]`, its points.
    """
    # The last key sorts first. Tied players are sorted too, so equal results are equal
    # rows and can be counted.
    order = np.lexsort((players, -points), axis=1)
    ranked = np.take_along_axis(players, order, axis=1)
    made = np.take_along_axis(points, order, axis=1)
    ties = np.zeros(ranked.shape, np.bool_)
    ties[:, 1:] = made[:, 1:] == made[:, :-1]
    # `~p` and not `-p`: player 0 needs a negative form, too.
    return np.where(ties, ~ranked, ranked).astype(np.int16)


class Choices(NamedTuple):
    """Rankings as choices: E sparse entries (ranking, set) and W entries (ranking, player)."""

    sets: npt.NDArray[np.int64]
    """`[sets, places]`: the distinct sets of players to choose from, padded with `EMPTY`."""
    set_ranking: npt.NDArray[np.int64]
    """`[E]`: the ranking of an entry."""
    set_number: npt.NDArray[np.int64]
    """`[E]`: its set."""
    set_share: npt.NDArray[np.float64]
    """`[E]`: the expected number of choices from that set in one such ranking."""
    win_ranking: npt.NDArray[np.int64]
    """`[W]`: the ranking of an entry, one entry for each player of each ranking."""
    win_player: npt.NDArray[np.int64]
    """`[W]`: the player."""
    win_share: npt.NDArray[np.float64]
    """`[W]`: the expected number of times that it is chosen: 0 alone in last place, at most 1."""


def choices_of(standings: Standings) -> Choices:
    """Convert rankings into choices."""
    numbers: dict[tuple[int, ...], int] = {}
    sets: list[tuple[int, int, float]] = []
    wins: list[tuple[int, int, float]] = []
    for ranking, standing in enumerate(standings.tolist()):
        groups = _groups(standing)
        for position, group in enumerate(groups):
            worse = [player for other in groups[position + 1 :] for player in other]
            # In a tied last group, the player that comes last in an order is not chosen from
            # others.
            share = 1.0 if worse else 1.0 - 1.0 / len(group)
            wins += [(ranking, player, share) for player in group]
            # Sets are shared between rankings: the fit's time grows with
            # distinct sets, not with deals.
            for members, weight in _choice_sets(group, worse):
                sets.append((ranking, numbers.setdefault(members, len(numbers)), weight))
    table = np.full((len(numbers), standings.shape[1]), EMPTY, np.int64)
    for members, number in numbers.items():
        table[number, : len(members)] = members
    set_ranking, set_number, set_share = _columns(sets)
    win_ranking, win_player, win_share = _columns(wins)
    return Choices(table, set_ranking, set_number, set_share, win_ranking, win_player, win_share)


def _groups(standing: list[int]) -> list[list[int]]:
    """Split a standing into groups of tied players, best group first."""
    groups: list[list[int]] = []
    for entry in standing:
        if entry >= 0:
            groups.append([entry])
        elif entry != EMPTY:
            groups[-1].append(~entry)
    return groups


def _choice_sets(group: list[int], worse: list[int]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield the sets that a tied group is chosen from, each with its share over all orders.

    When j of the k tied players are left, every subset of j of them is equally likely.
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
    """Fit the strengths of maximum likelihood, with player 0 at 1.

    Args:
        choices: the rankings.
        counts: `[rankings]`, how often each occurred.
        start: `[players]`, initial strengths; a good guess saves time.
        draws: virtual draws of every player against player 0, which keep the strength of a perfect
            record finite. With 0, wins and losses must link each player to player 0.

    Returns:
        `[players]` strengths.
    """
    players = len(start)
    weights = np.zeros(len(choices.sets))
    # Not `weights[...] += x`, which adds only once where an index occurs several times.
    np.add.at(weights, choices.set_number, choices.set_share * counts[choices.set_ranking])
    wins = np.zeros(players)
    np.add.at(wins, choices.win_player, choices.win_share * counts[choices.win_ranking])
    # The likelihood does not change if all strengths are multiplied, so one must be fixed.
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
    """Iterate Hunter's MM update in place until it converges.

    A strength becomes its wins divided by its expected wins per unit of strength: the sum, over the
    choices in which it took part, of one over the set's total strength. A draw counts as half a win
    for both and as one choice between the two. Each step rescales so that player 0 stays at 1.
    """
    players = len(strengths)
    expected = np.empty(players, np.float64)
    change = np.inf
    while change > CONVERGENCE:
        # All sums use the strengths of the step before. Each step then cannot lower the
        # likelihood (Hunter's theorem).
        expected[:] = 0.0
        for number in range(len(sets)):
            total = 0.0
            for player in sets[number]:
                if player != EMPTY:
                    total += strengths[player]
            for player in sets[number]:
                if player != EMPTY:
                    expected[player] += weights[number] / total
        for player in range(1, players):
            drawn = draws / (strengths[0] + strengths[player])
            expected[0] += drawn
            expected[player] += drawn
        # The update of player 0, by which the others are divided, so that it stays at 1.
        unit = (wins[0] + 0.5 * draws * (players - 1)) / expected[0]
        change = 0.0
        for player in range(1, players):
            better = (wins[player] + 0.5 * draws) / expected[player] / unit
            # In logarithms, as Elo is: 400 Elo are a factor of ten in strength.
            change = max(change, abs(np.log(better / strengths[player])))
            strengths[player] = better
