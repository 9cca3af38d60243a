"""Lets the seats that have not bid yet bid in the successors of a bid, for the values of games.

The share of the win depends on what all seats bid, and on who makes the bid. While seats have yet
to bid, the critic knows neither: it gives how many tricks each seat takes, not what it announces.
So before the critic is asked, the rest of the bids is drawn as it would be in play: by the actor,
which sees only its own hand, or by the opponent that holds the seat.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import (
    MAX_LEGAL,
    STATE,
    State,
    apply,
    is_bidding,
    legal_actions,
    legal_count,
    only_action,
    play_forced,
)
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import split
from blobmaster.search.batch import EvaluationRequests
from blobmaster.search.tree import Priors
from blobmaster.selfplay.lanes import (
    IDLE,
    Block,
    choose_without_network,
    draw_edge,
    needs_network,
    temperature_of,
)
from blobmaster.selfplay.successors import ROUND_OVER, Successors


class Bidders(NamedTuple):
    """Successors in which a seat has yet to bid; C successors, S lanes."""

    state: State
    """`[C, STATE]`: copies of those whose next bid needs the network."""
    row: npt.NDArray[np.int64]
    """`[C]`: the successor's row among the requested values."""
    lane: npt.NDArray[np.int64]
    """`[C]`: its lane."""
    streams: npt.NDArray[np.uint64]
    """`[C, 1]`: by row of the requested values, the stream that draws its bids."""
    shares: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: scratch."""


def new_bidders(children: int) -> Bidders:
    """Allocate for at most `children` successors."""
    return Bidders(
        state=np.zeros((children, STATE), np.int64),
        row=np.zeros(children, np.int64),
        lane=np.zeros(children, np.int64),
        streams=np.zeros((children, 1), np.uint64),
        shares=np.zeros(MAX_LEGAL),
    )


def finish_bidding(
    evaluator: Evaluator,
    block: Block,
    successors: Successors,
    requests: EvaluationRequests,
    bidders: Bidders,
) -> None:
    """Complete the bids of all requested successors, in place, and play what is forced then."""
    count = _begin(block, successors, requests, bidders)
    # At most one pass for each seat that has yet to bid, and in most steps none: most decisions
    # are plays.
    while count > 0:
        priors = evaluator.priors(bidders.state[:count])
        count = _bid(block, requests, bidders, count, priors)


@kernel
def _begin(
    block: Block, successors: Successors, requests: EvaluationRequests, bidders: Bidders
) -> int:
    """List the successors whose next bid needs the network; return their number."""
    count = 0
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE or not is_bidding(block.state[lane]):
            continue
        first = -1
        for edge in range(legal_count(block.state[lane])):
            row = successors.row[lane, edge]
            if row == ROUND_OVER:
                continue
            # One stream for all successors of a decision: with the same draws the other seats bid
            # alike where they can, so what is left between two actions is their own difference.
            if first < 0:
                first = row
                split(block.streams[block.round_of[lane]], bidders.streams[row])
            else:
                bidders.streams[row, 0] = bidders.streams[first, 0]
            bidders.lane[count], bidders.row[count] = lane, row
            count += 1
    # The streams of a decision are equal until its first draw, so drawing waits for the end.
    return _keep_waiting(block, requests, bidders, count)


@kernel
def _bid(
    block: Block, requests: EvaluationRequests, bidders: Bidders, count: int, priors: Priors
) -> int:
    """Bid in every listed successor; return how many need the network again."""
    for i in range(count):
        child = requests.critic[bidders.row[i]]
        legal = legal_actions(child, block.legal)
        for edge in range(legal):
            bidders.shares[edge] = priors[i, edge]
        number = block.round_of[bidders.lane[i]]
        temperature = temperature_of(block, number, child)
        stream = bidders.streams[bidders.row[i]]
        edge = draw_edge(bidders.shares, legal, temperature, stream)
        apply(child, block.legal[edge])
    return _keep_waiting(block, requests, bidders, count)


@kernel
def _keep_waiting(block: Block, requests: EvaluationRequests, bidders: Bidders, count: int) -> int:
    """Play on without the network; keep the successors whose next bid needs it."""
    kept = 0
    for i in range(count):
        row = bidders.row[i]
        child = requests.critic[row]
        while is_bidding(child):
            action = only_action(child)
            if action < 0:
                if needs_network(block, child):
                    break
                action = choose_without_network(block, child, bidders.streams[row])
            apply(child, action)
        if is_bidding(child):
            copy_row(child, bidders.state[kept])
            bidders.row[kept], bidders.lane[kept] = row, bidders.lane[i]
            kept += 1
        else:
            play_forced(child)
    return kept
