"""Information-set Monte Carlo tree search: one set of nodes over all worlds, values by play-out.

Cowling, Powley and Whitehouse, "Information Set Monte Carlo Tree Search" (2012), in the form of
OpenSpiel's `ISMCTSBot`, which a test holds it to: every simulation draws a world; a node is what
the seat to act there knows, its hand and the actions since the root; each simulation adds one
node, forced moves included, and plays out from it at random; actions are chosen by UCB1 once all
have been tried, and the most visited one is taken. Values are points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    HANDS,
    MAX_LEGAL,
    SEAT,
    STATE,
    State,
    apply,
    is_over,
    legal_actions,
)
from blobmaster.game.scoring import points
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, below
from blobmaster.search.determinization import WorldTable, new_table, prepare_worlds, sample_world
from blobmaster.search.information_set import NO_HISTORY, extended, information_key
from blobmaster.search.rollout import play_out

MAX_PATH = CARDS + MAX_PLAYERS
FREE = -1
TOLERANCE = 1e-5
"""Scores that are nearer than this to the best are as good, and one of them is drawn."""


class InformationSets(NamedTuple):
    """The nodes of one decision's search, and scratch; serves one decision after another.

    N nodes, one a simulation, found by their keys in B buckets, with up to `MAX_LEGAL` edges (E).
    """

    used: npt.NDArray[np.int64]
    """`[1]`: nodes in use; node 0 is the root."""
    bucket: npt.NDArray[np.int32]
    """`[B]`: a node, or `FREE`; keys that meet go on to the next bucket."""
    key: npt.NDArray[np.int64]
    """`[N]`: hash of what the node's seat knows."""
    visits: npt.NDArray[np.int64]
    """`[N]`: simulations that went on from the node."""
    edge_visits: npt.NDArray[np.int64]
    """`[N, E]`, in the order of `legal_actions`."""
    edge_sum: npt.NDArray[np.float64]
    """`[N, E]`: points of the node's seat, summed."""
    path: npt.NDArray[np.int64]
    """`[MAX_PATH, 3]`: node, edge and seat of each step of the simulation under way."""
    world: npt.NDArray[np.int64]
    """`[STATE]`."""
    legal: npt.NDArray[np.int64]
    """`[E]`."""
    table: WorldTable


def new_information_sets(simulations: int) -> InformationSets:
    """Room for the search of one decision by `simulations`; one a thread."""
    buckets = 1 << (2 * simulations).bit_length()
    return InformationSets(
        used=np.zeros(1, np.int64),
        bucket=np.full(buckets, FREE, np.int32),
        key=np.zeros(simulations, np.int64),
        visits=np.zeros(simulations, np.int64),
        edge_visits=np.zeros((simulations, MAX_LEGAL), np.int64),
        edge_sum=np.zeros((simulations, MAX_LEGAL)),
        path=np.zeros((MAX_PATH, 3), np.int64),
        world=np.zeros(STATE, np.int64),
        legal=np.zeros(MAX_LEGAL, np.int64),
        table=new_table(),
    )


@kernel
def search_information_sets(
    sets: InformationSets, state: State, simulations: int, exploration: float, stream: Stream
) -> None:
    """Search a decision of the seat to act; node 0 then tells how often each action was taken.

    Args:
        sets: from `new_information_sets`; overwritten.
        state: `[STATE]`, at a choice. Only what its acting seat knows is used.
        simulations: at least 2, since the first one only makes the root.
        exploration: UCB1's constant, in points.
        stream: drawn from.
    """
    sets.used[0] = 0
    sets.bucket[:] = FREE
    prepare_worlds(state, state[SEAT], sets.table)
    for _ in range(simulations):
        sample_world(state, state[SEAT], sets.table, stream, sets.world)
        _simulate(sets, exploration, stream)


@kernel
def most_visited(sets: InformationSets, state: State, stream: Stream) -> int:
    """The action that node 0 took most often; one of them is drawn where several did."""
    count = legal_actions(state, sets.legal)
    return sets.legal[_draw_best(sets.edge_visits[0], count, 0.0, stream)]


@kernel
def _simulate(sets: InformationSets, exploration: float, stream: Stream) -> None:
    world = sets.world
    history = NO_HISTORY
    depth = 0
    while not is_over(world):
        key = information_key(history, world[HANDS + world[SEAT]])
        nodes = sets.used[0]
        node = _find_or_add(sets, key)
        if node == nodes:
            break
        count = legal_actions(world, sets.legal)
        edge = _select(sets, node, count, exploration, stream)
        sets.path[depth, 0] = node
        sets.path[depth, 1] = edge
        sets.path[depth, 2] = world[SEAT]
        depth += 1
        action = sets.legal[edge]
        history = extended(history, action)
        apply(world, action)
    play_out(world, sets.legal, stream)
    for step in range(depth):
        node, edge, seat = sets.path[step]
        sets.visits[node] += 1
        sets.edge_visits[node, edge] += 1
        sets.edge_sum[node, edge] += points(world, seat)


@kernel
def _find_or_add(sets: InformationSets, key: int) -> int:
    """The node of a key; a new one if there was none."""
    mask = len(sets.bucket) - 1
    place = key & mask
    while sets.bucket[place] != FREE:
        node = sets.bucket[place]
        if sets.key[node] == key:
            return node
        place = (place + 1) & mask
    node = sets.used[0]
    sets.used[0] = node + 1
    sets.bucket[place] = node
    sets.key[node] = key
    sets.visits[node] = 0
    sets.edge_visits[node] = 0
    sets.edge_sum[node] = 0.0
    return node


@kernel
def _select(
    sets: InformationSets, node: int, count: int, exploration: float, stream: Stream
) -> int:
    """One of the untried edges, else the one with the best UCB1 score."""
    tried = sets.edge_visits[node]
    untried = 0
    for edge in range(count):
        untried += tried[edge] == 0
    if untried > 0:
        left = below(stream, untried)
        for edge in range(count):
            if tried[edge] == 0:
                if left == 0:
                    return edge
                left -= 1
    score = np.empty(MAX_LEGAL, np.float64)
    reach = exploration * np.sqrt(np.log(np.float64(sets.visits[node])))
    for edge in range(count):
        mean = sets.edge_sum[node, edge] / tried[edge]
        score[edge] = mean + reach / np.sqrt(np.float64(tried[edge]))
    return _draw_best(score, count, TOLERANCE, stream)


@kernel
def _draw_best(
    scores: npt.NDArray[np.float64], count: int, tolerance: float, stream: Stream
) -> int:
    """One of the `count` first entries that are within `tolerance` of the largest."""
    best = scores[:count].max()
    alike = 0
    for edge in range(count):
        alike += scores[edge] >= best - tolerance
    left = below(stream, alike)
    chosen = 0
    for edge in range(count):
        if scores[edge] >= best - tolerance:
            if left == 0:
                chosen = edge
            left -= 1
    return chosen
