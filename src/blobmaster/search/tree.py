"""Search trees in flat arrays: select, expand and back up, one tree at a time.

A tree searches one world: a deal in which every hand is known. Its nodes are real choices alone;
forced moves are played through. Each seat maximises its own points (max^n, Luckhardt and Irani
1986): an edge keeps the summed value of the seat that chooses at its node, and a leaf's vector of
values gives each node on the path its own seat's part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    EXACT_BONUS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    SEAT,
    STATE,
    apply,
    is_over,
    legal_actions,
    play_forced,
    points,
)
from blobmaster.kernels import kernel

MAX_PATH = CARDS + MAX_PLAYERS
"""No round has more actions than this."""

NO_NODE = -1
Values = npt.NDArray[np.float32]
Priors = npt.NDArray[np.float32]


class Trees(NamedTuple):
    """Many trees. T trees of up to M nodes, each with up to `MAX_LEGAL` edges (E below)."""

    nodes: npt.NDArray[np.int32]
    """`[T]`: nodes in use; node 0 is the root."""
    seat: npt.NDArray[np.int8]
    """`[T, M]`: the seat that chooses at the node."""
    edges: npt.NDArray[np.int8]
    """`[T, M]`: the number of legal actions."""
    visits: npt.NDArray[np.int32]
    """`[T, M]`: simulations that went on from the node."""
    value: npt.NDArray[np.float32]
    """`[T, M]`: the evaluator's value of the node for its own seat."""
    action: npt.NDArray[np.int8]
    """`[T, M, E]`: the legal actions, ascending."""
    prior: npt.NDArray[np.float32]
    """`[T, M, E]`: their priors, summing to one."""
    edge_visits: npt.NDArray[np.int32]
    """`[T, M, E]`: simulations that took the edge."""
    edge_sum: npt.NDArray[np.float32]
    """`[T, M, E]`: their summed value for the node's seat."""
    child: npt.NDArray[np.int16]
    """`[T, M, E]`: the node that the edge leads to, or `NO_NODE`."""
    path_node: npt.NDArray[np.int16]
    """`[T, MAX_PATH]`: nodes of the simulation under way."""
    path_edge: npt.NDArray[np.int8]
    """`[T, MAX_PATH]`: the edge that it took at each."""
    path_length: npt.NDArray[np.int32]
    """`[T]`."""
    simulations: npt.NDArray[np.int32]
    """`[T]`: simulations finished since the root was expanded."""
    world: npt.NDArray[np.int64]
    """`[T, STATE]`: the state at the root, every hand known."""
    leaf: npt.NDArray[np.int64]
    """`[T, STATE]`: the state that waits for its evaluation."""


def new_trees(count: int, simulations: int) -> Trees:
    """Room for `count` trees of `simulations` each: one node a simulation, and the root."""
    nodes = simulations + 1
    return Trees(
        nodes=np.zeros(count, np.int32),
        seat=np.zeros((count, nodes), np.int8),
        edges=np.zeros((count, nodes), np.int8),
        visits=np.zeros((count, nodes), np.int32),
        value=np.zeros((count, nodes), np.float32),
        action=np.zeros((count, nodes, MAX_LEGAL), np.int8),
        prior=np.zeros((count, nodes, MAX_LEGAL), np.float32),
        edge_visits=np.zeros((count, nodes, MAX_LEGAL), np.int32),
        edge_sum=np.zeros((count, nodes, MAX_LEGAL), np.float32),
        child=np.zeros((count, nodes, MAX_LEGAL), np.int16),
        path_node=np.zeros((count, MAX_PATH), np.int16),
        path_edge=np.zeros((count, MAX_PATH), np.int8),
        path_length=np.zeros(count, np.int32),
        simulations=np.zeros(count, np.int32),
        world=np.zeros((count, STATE), np.int64),
        leaf=np.zeros((count, STATE), np.int64),
    )


@kernel
def plant(trees: Trees, tree: int) -> None:
    """Empty the tree; its world becomes the leaf that waits, to be expanded as the root."""
    trees.nodes[tree] = 0
    trees.simulations[tree] = 0
    trees.path_length[tree] = 0
    trees.leaf[tree] = trees.world[tree]


@kernel
def expand(trees: Trees, tree: int, prior: Priors, value: Values) -> None:
    """Make the waiting leaf a node with these priors and back its values up.

    Args:
        trees, tree: the tree.
        prior: `[MAX_LEGAL]`, in the order of the leaf's legal actions.
        value: `[MAX_PLAYERS]`, each seat's expected points over 10 + cards.
    """
    node = trees.nodes[tree]
    trees.nodes[tree] = node + 1
    leaf = trees.leaf[tree]
    legal = np.empty(MAX_LEGAL, np.int64)
    count = legal_actions(leaf, legal)
    trees.seat[tree, node] = leaf[SEAT]
    trees.edges[tree, node] = count
    trees.visits[tree, node] = 0
    trees.value[tree, node] = value[leaf[SEAT]]
    for edge in range(count):
        trees.action[tree, node, edge] = legal[edge]
        trees.prior[tree, node, edge] = prior[edge]
        trees.edge_visits[tree, node, edge] = 0
        trees.edge_sum[tree, node, edge] = 0.0
        trees.child[tree, node, edge] = NO_NODE
    depth = trees.path_length[tree]
    if depth > 0:
        parent = trees.path_node[tree, depth - 1]
        trees.child[tree, parent, trees.path_edge[tree, depth - 1]] = node
        _back_up(trees, tree, value)


@kernel
def _back_up(trees: Trees, tree: int, value: Values) -> None:
    for step in range(trees.path_length[tree]):
        node = trees.path_node[tree, step]
        edge = trees.path_edge[tree, step]
        trees.visits[tree, node] += 1
        trees.edge_visits[tree, node, edge] += 1
        trees.edge_sum[tree, node, edge] += value[trees.seat[tree, node]]
    trees.simulations[tree] += 1


@kernel
def simulate(trees: Trees, tree: int, exploration: float) -> bool:
    """Walk from the root to a new leaf; whether it waits for an evaluation.

    A walk that ends the round is backed up at once with the points made, and returns False.
    """
    state = trees.leaf[tree]
    state[:] = trees.world[tree]
    node = 0
    depth = 0
    while node != NO_NODE:
        edge = select_edge(trees, tree, node, exploration)
        trees.path_node[tree, depth] = node
        trees.path_edge[tree, depth] = edge
        depth += 1
        apply(state, trees.action[tree, node, edge])
        play_forced(state)
        node = trees.child[tree, node, edge]
    trees.path_length[tree] = depth
    if not is_over(state):
        return True
    value = np.zeros(MAX_PLAYERS, np.float32)
    for seat in range(state[PLAYERS]):
        value[seat] = points(state, seat) / (EXACT_BONUS + state[ROUND])
    _back_up(trees, tree, value)
    return False


@kernel
def select_edge(trees: Trees, tree: int, node: int, exploration: float) -> int:
    """The edge with the best PUCT score (Silver et al. 2017); an untried one counts as its node."""
    best = 0
    best_score = -np.inf
    reach = exploration * np.sqrt(np.float64(trees.visits[tree, node] + 1))
    for edge in range(trees.edges[tree, node]):
        tried = trees.edge_visits[tree, node, edge]
        worth = trees.value[tree, node]
        if tried > 0:
            worth = trees.edge_sum[tree, node, edge] / tried
        score = worth + reach * trees.prior[tree, node, edge] / (1 + tried)
        if score > best_score:
            best_score = score
            best = edge
    return best
