"""The successors of a block's decisions, for the one-step lookahead: every child of each lane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    DEALT,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    is_over,
    legal_actions,
    play_forced,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inner_kernel
from blobmaster.search.batch import EvaluationRequests
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import IDLE, Block, is_network_opponent

ROUND_OVER = -1
"""The row of a successor whose round is over: its result is known without an evaluation."""


class Successors(NamedTuple):
    """The successors of the waiting decisions, one per legal action; S lanes."""

    row: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: the successor's row among the requested values, or `ROUND_OVER`."""
    value: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL]`: the acting seat's value of a successor. `list_successors` writes those of
    rounds that are over, as a share of the most points."""
    bids: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL, MAX_PLAYERS]`: each seat's bid in a successor, for games."""
    exact: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL, MAX_PLAYERS]`: probability that this bid is made exactly.
    `list_successors` writes `bids` and `exact` of rounds that are over."""


def new_successors(children: int, lanes: int) -> tuple[Successors, EvaluationRequests]:
    """Allocate for the decisions of `lanes` lanes with at most `children` successors together."""
    # A decision may have fewer actions than the one before it in the lane: rows beyond them
    # are stale and never read.
    successors = Successors(
        row=np.full((lanes, MAX_LEGAL), ROUND_OVER, np.int64),
        value=np.zeros((lanes, MAX_LEGAL)),
        bids=np.zeros((lanes, MAX_LEGAL, MAX_PLAYERS), np.int64),
        exact=np.zeros((lanes, MAX_LEGAL, MAX_PLAYERS)),
    )
    requests = EvaluationRequests(
        actor=np.zeros((lanes, STATE), np.int64),
        critic=np.zeros((children, STATE), np.int64),
        rows=np.zeros(2, np.int64),
    )
    return successors, requests


def max_children(deals: Deals, lanes: int) -> int:
    """Return the most successors that `lanes` decisions can have: one more bid than cards each."""
    # A tight bound: the steps between batch sizes grow with the capacity,
    # and the padding with them.
    return lanes * (int(deals.plan[:, 1].max()) + 1)


@inner_kernel
def list_successors(block: Block, successors: Successors, requests: EvaluationRequests) -> None:
    """Request the priors of every waiting decision and the values of its successors."""
    count = children = 0
    legal = block.legal
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        copy_row(state, requests.actor[count])
        count += 1
        if is_network_opponent(state):
            # It acts by its priors, and no policy is learned that would need values.
            for edge in range(MAX_LEGAL):
                successors.row[lane, edge] = ROUND_OVER
            continue
        for edge in range(legal_actions(state, legal)):
            # Built in place in the batch, which saves a copy of each successor.
            child = requests.critic[children]
            copy_row(state, child)
            apply(child, legal[edge])
            # The critic has learned from positions with a real choice only,
            # so it is asked about such.
            play_forced(child)
            if is_over(child):
                # The row is not counted: the next child overwrites it.
                successors.row[lane, edge] = ROUND_OVER
                _write_result(successors, lane, edge, child, state[SEAT])
            else:
                successors.row[lane, edge] = children
                children += 1
    requests.rows[0] = count
    requests.rows[1] = children


@inner_kernel
def _write_result(successors: Successors, lane: int, edge: int, over: State, seat: int) -> None:
    """Write the value of a finished round for `seat`, and which bids were exact."""
    successors.value[lane, edge] = points(over, seat) / most_points(over[DEALT])
    # Known results take the form of predictions with probability 0 or 1, so that
    # `win_values` treats both alike.
    for other in range(over[PLAYERS]):
        bid = over[BIDS + other]
        successors.bids[lane, edge, other] = bid
        successors.exact[lane, edge, other] = 1.0 if over[TRICKS + other] == bid else 0.0
