"""Values of actions in a game: the acting seat's expected share of the win.

The critic gives the probability that each seat makes its bid exactly. Every pattern of exact and
failed bids gives the scores after the round, and a network maps scores to shares of the win. The
value is the mean over the patterns, with the seats taken as independent. In a game's last round
the shares are exact, because the scores tell who wins.

The value is divided by the stake: the most that the round can change the share. Without this, the
policy target would hardly move in a game's first round and jump in a close last one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import DEALT, PLAYERS, SCORES, SEAT, STATE, State
from blobmaster.game.scoring import exact_points, most_points, score
from blobmaster.game.standing import pass_deal
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.search.tree import Values

MIN_STAKE = 0.05
"""Lower bound of a round's stake, in shares of the win. Where less is at stake, the errors of the
network are larger than the differences, and dividing would amplify them."""


def win_shares(
    state: State,
    bids: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float32],
    standings: Callable[[State], Values],
) -> tuple[npt.NDArray[np.float64], float]:
    """Value the actions of one decision in several worlds.

    Args:
        state: `[STATE]`: the decision, in a game.
        bids: `[K, A, MAX_PLAYERS]`: each seat's bid, by world and action.
        exact: `[K, A, MAX_PLAYERS]`: the probability that this bid is made exactly.
        standings: see `Evaluator.standings`.

    Returns:
        The acting seat's shares of the win, `[K, A]`, and the round's stake.
    """
    worlds, actions, _ = bids.shape
    # Worlds share most of their bids, and each distinct row costs 2^players evaluations.
    distinct, which = np.unique(bids.reshape(worlds * actions, -1), axis=0, return_inverse=True)
    patterns = 1 << int(state[PLAYERS])
    outcomes = np.zeros((len(distinct) * patterns + 2, STATE), np.int64)
    _list_outcomes(state, distinct, outcomes)
    shares = standings(outcomes)[:, state[SEAT]].astype(np.float64)
    stake = max(float(shares[-2] - shares[-1]), MIN_STAKE)
    values = np.empty((worlds, actions))
    by_pattern = shares[:-2].reshape(len(distinct), patterns)
    _weigh_patterns(by_pattern, which.reshape(worlds, actions), exact, values)
    return values, stake


def expected_points(
    bids: npt.NDArray[np.int64], exact: npt.NDArray[np.float32], state: State
) -> npt.NDArray[np.float64]:
    """Return the expected points of a seat with these bids and chances, as a share of the most."""
    pay = np.array([score(bid, bid) for bid in range(int(state[DEALT]) + 1)], np.float64)
    return pay[bids] * exact / most_points(int(state[DEALT]))


@kernel
def _list_outcomes(state: State, bids: npt.NDArray[np.int64], outcomes: State) -> None:
    """Write the patterns' outcomes of each row of bids, then the two bounds."""
    count = 0
    for row in range(len(bids)):
        count = list_patterns(state, bids[row], outcomes, count)
    list_bounds(state, outcomes, count)


@kernel
def _weigh_patterns(
    by_pattern: npt.NDArray[np.float64],
    which: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float32],
    values: npt.NDArray[np.float64],
) -> None:
    """Write the mean share over the patterns into `values` (`[K, A]`)."""
    players = 0
    while 1 << players < by_pattern.shape[1]:
        players += 1
    for world in range(len(values)):
        for edge in range(values.shape[1]):
            values[world, edge] = 0.0
            for pattern in range(by_pattern.shape[1]):
                chance = pattern_probability(exact[world, edge], pattern, players)
                values[world, edge] += chance * by_pattern[which[world, edge], pattern]


@inner_kernel
def list_patterns(state: State, bids: npt.NDArray[np.int64], outcomes: State, count: int) -> int:
    """Write one outcome per pattern of exact bids from row `count` on; return the next row."""
    # All patterns, in the order of their number: a pattern is found by adding it to the first row.
    for pattern in range(1 << state[PLAYERS]):
        outcome = outcomes[count]
        copy_row(state, outcome)
        for seat in range(state[PLAYERS]):
            if (pattern >> seat) & 1:
                outcome[SCORES + seat] += exact_points(bids[seat])
        # The network learned standings as they are before a deal: one round
        # fewer, and the deal passed on.
        pass_deal(outcome)
        count += 1
    return count


@inner_kernel
def list_bounds(state: State, outcomes: State, count: int) -> int:
    """Write the acting seat's best and worst outcome from row `count` on; return the next row.

    At best it alone is exact, at worst all others are. Bids are taken to be one more than an even
    share of the tricks.
    """
    # Fixed for all actions of a decision, and close to what seats usually make. The real bids would
    # change the unit of values from one action to the next.
    usual = exact_points(1 + state[DEALT] // state[PLAYERS])
    best, worst = outcomes[count], outcomes[count + 1]
    copy_row(state, best)
    copy_row(state, worst)
    for seat in range(state[PLAYERS]):
        if seat == state[SEAT]:
            best[SCORES + seat] += usual
        else:
            worst[SCORES + seat] += usual
    pass_deal(best)
    pass_deal(worst)
    return count + 2


@inner_kernel
def pattern_probability(exact: npt.NDArray[np.float64], pattern: int, players: int) -> float:
    """Return the probability that exactly the seats of the pattern make their bids."""
    # Seats are taken as independent. They are not quite, as they compete for the same tricks, but
    # the critic gives each seat's tricks alone.
    chance = 1.0
    for seat in range(players):
        chance *= exact[seat] if (pattern >> seat) & 1 else 1.0 - exact[seat]
    return chance
