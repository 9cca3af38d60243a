"""Information-set Monte Carlo tree search (ISMCTS): nodes shared by all worlds, random rollouts.

Cowling, Powley and Whitehouse, "Information Set Monte Carlo Tree Search" (2012), in the form of
OpenSpiel's `ISMCTSBot`; a test compares the visit counts of the two. Every simulation samples a
world. A node stands for an information set: the hand of the seat to act and the actions since the
root. Each simulation adds one node, also for forced moves, and finishes the round at random. UCB1
selects actions once all have been tried; the most visited action is played. Values are points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
from blobmaster.kernels.arrays import largest
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream, below
from blobmaster.search.determinization import WorldTable, new_table, prepare_worlds, sample_world
from blobmaster.search.information_set import NO_HISTORY, extended, information_key
from blobmaster.search.rollout import play_out
from blobmaster.search.tree import MAX_PATH

FREE = -1
"""A bucket without a node."""
TOLERANCE = 1e-5
"""Scores within this distance of the best count as equal, and one of them is drawn, as in
OpenSpiel."""


class InformationSets(NamedTuple):
    """The nodes of one decision's search, and scratch; reused for one decision after another.

    N nodes, one per simulation, in a hash table of B buckets, each with up to `MAX_LEGAL` edges
    (E).
    """

    used: npt.NDArray[np.int64]
    """`[1]`: nodes in use; node 0 is the root."""
    bucket: npt.NDArray[np.int32]
    """`[B]`: a node, or `FREE`; on a collision the next bucket is tried."""
    key: npt.NDArray[np.int64]
    """`[N]`: hash of the information set (see `information_key`)."""
    visits: npt.NDArray[np.int64]
    """`[N]`: simulations that continued from the node."""
    edge_visits: npt.NDArray[np.int64]
    """`[N, E]`: visits of each edge, in the order of `legal_actions`."""
    edge_sum: npt.NDArray[np.float64]
    """`[N, E]`: summed points of the node's seat."""
    path: npt.NDArray[np.int64]
    """`[MAX_PATH, 3]`: node, edge and seat of each step of the current simulation."""
    world: npt.NDArray[np.int64]
    """`[STATE]`: scratch, the state of the current simulation in its sampled world."""
    legal: npt.NDArray[np.int64]
    """`[E]`: scratch, legal actions."""
    table: WorldTable


def new_information_sets(simulations: int) -> InformationSets:
    """Allocate for a search of one decision by `simulations`; one per thread."""
    # A power of two, two to four times the nodes: probes are short, and a mask is the modulus.
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
    """Search a decision of the seat to act; node 0 then holds the visits of its actions.

    Args:
        sets: from `new_information_sets`; overwritten.
        state: `[STATE]`, at a choice. Only the acting seat's knowledge is used.
        simulations: at least 2, since the first one only makes the root.
        exploration: the constant of UCB1, in points.
        stream: the source of all draws.
    """
    sets.used[0] = 0
    # Nodes of the last decision need no clearing: `_find_or_add` empties
    # each one that it hands out.
    sets.bucket[:] = FREE
    prepare_worlds(state, state[SEAT], sets.table)
    for _ in range(simulations):
        sample_world(state, state[SEAT], sets.table, stream, sets.world)
        _simulate(sets, exploration, stream)


@kernel
def most_visited(sets: InformationSets, state: State, stream: Stream) -> int:
    """Return the most visited action of node 0; ties are drawn."""
    count = legal_actions(state, sets.legal)
    return sets.legal[_draw_best(sets.edge_visits[0], count, 0.0, stream)]


@inner_kernel
def _simulate(sets: InformationSets, exploration: float, stream: Stream) -> None:
    """Descend to a new node, finish the round at random, and back up the points."""
    world = sets.world
    history = NO_HISTORY
    depth = 0
    while not is_over(world):
        key = information_key(history, world[HANDS + world[SEAT]])
        nodes = sets.used[0]
        node = _find_or_add(sets, key)
        # A new node ends the descent; a forced move makes a node too, as in OpenSpiel.
        if node == nodes:
            break
        # The same actions in every world that reaches the node: the hand and the
        # table decide what is legal.
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
        # Each seat maximises its own points (max^n). A sum, as OpenSpiel keeps: points are whole
        # numbers, so it is exact.
        sets.edge_sum[node, edge] += points(world, seat)


@inner_kernel
def _find_or_add(sets: InformationSets, key: int) -> int:
    """Return the node of a key; add a new one if there is none."""
    # Open addressing with linear probing. The hash stands for the information set: two equal
    # hashes among the few thousand nodes of a search are too rare to matter.
    mask = len(sets.bucket) - 1
    place = key & mask
    # At most half of the buckets are taken, so the loop meets a free one.
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
    """Draw an untried edge if there is one, else an edge with the best UCB1 score."""
    tried = sets.edge_visits[node]
    untried = 0
    for edge in range(count):
        untried += tried[edge] == 0
    # UCB1 is infinite for untried edges: all of them are taken first, in random order.
    if untried > 0:
        left = below(stream, untried)
        for edge in range(count):
            if tried[edge] == 0:
                if left == 0:
                    return edge
                left -= 1
    score = np.empty(MAX_LEGAL, np.float64)
    # The visits are at least the number of edges here, and the logarithm is not negative.
    bonus = exploration * np.sqrt(np.log(np.float64(sets.visits[node])))
    for edge in range(count):
        mean = sets.edge_sum[node, edge] / tried[edge]
        score[edge] = mean + bonus / np.sqrt(np.float64(tried[edge]))
    return _draw_best(score, count, TOLERANCE, stream)


@inner_kernel
def _draw_best(
    scores: npt.NDArray[np.float64], count: int, tolerance: float, stream: Stream
) -> int:
    """Draw one of the first `count` entries that are within `tolerance` of the largest."""
    best = largest(scores, count)
    ties = 0
    for edge in range(count):
        ties += scores[edge] >= best - tolerance
    # One draw even without a tie, so that the stream moves on in the same way
    # whatever the scores are.
    left = below(stream, ties)
    chosen = 0
    for edge in range(count):
        if scores[edge] >= best - tolerance:
            if left == 0:
                chosen = edge
            left -= 1
    return chosen
