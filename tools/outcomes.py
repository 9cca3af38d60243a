"""Policy targets from the outcomes of rounds alone, without critic or search.

Each decision's target raises or lowers the probability of the action taken, by the seat's points
relative to the mean of rounds of that size. This is a policy gradient with the batch mean as its
baseline (REINFORCE, Williams 1992), written as a step of the same mirror descent by which one-step
lookahead improves a policy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS
from blobmaster.game.records import FULL_SHARE, Rounds, open_record, replay_out
from blobmaster.game.rules import (
    ACTIONS,
    DEALT,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    apply,
    is_over,
    legal_actions,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.compile import kernel


def add_outcome_policies(rounds: Rounds, policy_step: float) -> Rounds:
    """Replace the policies of rounds by targets from their outcomes.

    Args:
        rounds: rounds whose recorded policies are the priors that drew their actions.
        policy_step: size of a step: the probability of the action taken is multiplied by
            `exp(policy_step × advantage)`, the advantage as a share of 10 + cards points.
    """
    data = rounds.data.astype(np.int64)
    made = np.zeros((MAX_CARDS + 1, 2))
    _sum_up(data, rounds.starts, made)
    mean = made[:, 0] / np.maximum(made[:, 1], 1)
    _credit(data, rounds.starts, mean, policy_step)
    return Rounds(data.astype(np.uint8), rounds.starts, rounds.decisions)


@kernel
def _sum_up(
    data: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], made: npt.NDArray[np.float64]
) -> None:
    """Sum the points of all seats, as shares of the most, and count seats, by cards dealt."""
    state = np.empty(STATE, np.int64)
    for number in range(len(starts) - 1):
        replay_out(data[starts[number] : starts[number + 1]], state)
        for seat in range(state[PLAYERS]):
            made[state[DEALT], 0] += points(state, seat) / most_points(state[DEALT])
            made[state[DEALT], 1] += 1


@kernel
def _credit(
    data: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    mean: npt.NDArray[np.float64],
    policy_step: float,
) -> None:
    """Replace every recorded policy in place by its target."""
    end, state = np.empty(STATE, np.int64), np.empty(STATE, np.int64)
    legal, shares = np.empty(MAX_LEGAL, np.int64), np.empty(MAX_LEGAL, np.float64)
    for number in range(len(starts) - 1):
        record = data[starts[number] : starts[number + 1]]
        replay_out(record, end)
        first = open_record(record, state)
        policy = first + state[PLAYERS] * (1 + state[DEALT])
        while not is_over(state):
            action = record[first + state[ACTIONS]]
            count = legal_actions(state, legal)
            if count > 1:
                made = points(end, state[SEAT]) / most_points(state[DEALT])
                factor = np.exp(policy_step * (made - mean[state[DEALT]]))
                total = 0.0
                for edge in range(count):
                    shares[edge] = record[policy + edge]
                    if legal[edge] == action:
                        shares[edge] *= factor
                    total += shares[edge]
                if total > 0.0:  # else a random opponent's, which has no policy
                    for edge in range(count):
                        record[policy + edge] = np.int64(FULL_SHARE * shares[edge] / total + 0.5)
                policy += count
            apply(state, action)
