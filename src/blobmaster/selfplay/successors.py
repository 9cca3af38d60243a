"""The decisions that a block of looking ahead waits for: one a lane, with every child of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
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
from blobmaster.kernels.compile import kernel
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import IDLE, Block

EXACT = -1
"""The row of a child whose round is over: what it comes to needs no evaluation."""


class Choices(NamedTuple):
    """What waits; all but `rows` and `children` by lane and by the decision's legal actions."""

    rows: State
    """`[S, STATE]`: the states to decide in, those of idle lanes left out."""
    children: State
    """`[S * edges, STATE]`: what each legal action leads to, where it needs an evaluation."""
    row: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: where a child stands in `children`, or `EXACT`."""
    value: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL]`: the acting seat's value of a child; `gather` writes those of rounds that
    are over, in points."""
    bids: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL, MAX_PLAYERS]`: the bid of each seat in a child, for games."""
    exact: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL, MAX_PLAYERS]`: how likely that bid is to be exact. `gather` writes both of
    rounds that are over."""


def new_choices(children: int, lanes: int) -> Choices:
    """Room for the decisions of so many lanes, with so many children together."""
    return Choices(
        rows=np.zeros((lanes, STATE), np.int64),
        children=np.zeros((children, STATE), np.int64),
        row=np.full((lanes, MAX_LEGAL), EXACT, np.int64),
        value=np.zeros((lanes, MAX_LEGAL)),
        bids=np.zeros((lanes, MAX_LEGAL, MAX_PLAYERS), np.int64),
        exact=np.zeros((lanes, MAX_LEGAL, MAX_PLAYERS)),
    )


def children_of(deals: Deals, lanes: int) -> int:
    """The most children that the decisions of so many lanes can have: a bid more than cards."""
    return lanes * (int(deals.plan[:, 1].max()) + 1)


@kernel
def gather(block: Block, choices: Choices) -> tuple[int, int]:
    """Gather the waiting decisions and their children; return how many there are of each."""
    count = children = 0
    legal = np.empty(MAX_LEGAL, np.int64)
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        choices.rows[count] = state
        count += 1
        for edge in range(legal_actions(state, legal)):
            child = choices.children[children]
            child[:] = state
            apply(child, legal[edge])
            play_forced(child)
            if is_over(child):
                choices.row[lane, edge] = EXACT
                _write_end(choices, lane, edge, child, state[SEAT])
            else:
                choices.row[lane, edge] = children
                children += 1
    return count, children


@kernel
def _write_end(choices: Choices, lane: int, edge: int, over: State, seat: int) -> None:
    choices.value[lane, edge] = points(over, seat) / most_points(over[ROUND])
    for other in range(over[PLAYERS]):
        bid = over[BIDS + other]
        choices.bids[lane, edge, other] = bid
        choices.exact[lane, edge, other] = 1.0 if over[TRICKS + other] == bid else 0.0
