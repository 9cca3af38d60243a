"""Search trees in flat arrays: select, expand and back up, one tree at a time.

A tree searches open worlds: deals in which every hand is known. It may search one world, or each
simulation another one; a node is what its seat knows, so worlds that look alike to that seat share
it. Nodes are real choices alone; forced moves are played through. Each seat maximises its own
points (max^n, Luckhardt and Irani 1986): an edge keeps the summed value of the seat that chooses at
its node, and a leaf's vector of values gives each node on the path its own seat's part.

A new node is worth its values, and only when a later simulation comes by is it asked for priors:
most leaves are never seen again.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    HANDS,
    MAX_LEGAL,
    PLAYERS,
    ROUND,
    SEAT,
    STATE,
    State,
    apply,
    is_bidding,
    is_over,
    legal_actions,
    only_action,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.compile import copy_row, lean_kernel
from blobmaster.search.endgame import Ending, is_settled, new_ending, solve, tricks_left
from blobmaster.search.information_set import NO_HISTORY, extended, information_key

MAX_PATH = CARDS + MAX_PLAYERS
"""No round has more actions than this."""

NO_NODE = -1
NO_EDGE = -1
NOTHING, PRIORS, VALUES = 0, 1, 2
"""What a tree may wait for, as bits."""

Values = npt.NDArray[np.float32]
Priors = npt.NDArray[np.float32]


_CACHE_LINE = 64

_EDGE = np.dtype(
    [("prior", "f4"), ("visits", "i4"), ("sum", "f4"), ("child", "i4"), ("action", "i1")],
    align=True,
)
_NODE = np.dtype(
    [
        ("key", "i8"),
        ("visits", "i4"),
        ("value", "f4"),
        ("sibling", "i4"),
        ("seat", "i1"),
        ("edges", "i1"),
        ("edge", _EDGE, (MAX_LEGAL,)),
    ],
    align=True,
)
"""A node as it lies in memory: six lines of cache, of which a node of five actions uses two. Its
fields in arrays of their own were twelve lines to each step of a walk."""


class Rules(NamedTuple):
    """How a tree grows."""

    exploration: float
    settle: bool
    solve_tricks: int


class Trees(NamedTuple):
    """Many trees. T trees of up to M nodes, each with up to `MAX_LEGAL` edges (E below)."""

    nodes: npt.NDArray[np.int32]
    """`[T]`: nodes in use; node 0 is the root."""
    seat: npt.NDArray[np.int8]
    """`[T, M]`: the seat that chooses at the node."""
    edges: npt.NDArray[np.int8]
    """`[T, M]`: the number of legal actions; 0 while the node has no priors."""
    visits: npt.NDArray[np.int32]
    """`[T, M]`: simulations that went on from the node."""
    value: npt.NDArray[np.float32]
    """`[T, M]`: the evaluator's value of the node for its own seat."""
    key: npt.NDArray[np.int64]
    """`[T, M]`: hash of what its seat knows beside all that the node before knows."""
    sibling: npt.NDArray[np.int32]
    """`[T, M]`: another node that the same edge leads to, in other worlds, or `NO_NODE`."""
    action: npt.NDArray[np.int8]
    """`[T, M, E]`: the legal actions, ascending."""
    prior: npt.NDArray[np.float32]
    """`[T, M, E]`: their priors, summing to one."""
    edge_visits: npt.NDArray[np.int32]
    """`[T, M, E]`: simulations that took the edge."""
    edge_sum: npt.NDArray[np.float32]
    """`[T, M, E]`: their summed value for the node's seat."""
    child: npt.NDArray[np.int32]
    """`[T, M, E]`: the newest node that the edge leads to, or `NO_NODE`."""
    path_node: npt.NDArray[np.int32]
    """`[T, MAX_PATH]`: nodes of the simulation under way."""
    path_edge: npt.NDArray[np.int8]
    """`[T, MAX_PATH]`: the edge that it took at each."""
    path_length: npt.NDArray[np.int32]
    """`[T]`."""
    is_under_way: npt.NDArray[np.bool_]
    """`[T]`: whether a simulation is."""
    at: npt.NDArray[np.int32]
    """`[T]`: the node that it has come to, when it waits for priors."""
    wants: npt.NDArray[np.int8]
    """`[T]`: what `leaf` is to be evaluated for."""
    root_edge: npt.NDArray[np.int8]
    """`[T]`: the edge that simulations take at the root, or `NO_EDGE` where PUCT chooses."""
    simulations: npt.NDArray[np.int32]
    """`[T]`: simulations finished since the root was expanded."""
    world: npt.NDArray[np.int64]
    """`[T, STATE]`: the state at the root, every hand known."""
    leaf: npt.NDArray[np.int64]
    """`[T, STATE]`: the state that the simulation under way has come to."""
    leaf_key: npt.NDArray[np.int64]
    """`[T]`: the key of the node to be made of it."""
    ending: Ending
    """Scratch, as is all that follows."""
    legal: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`."""
    made: npt.NDArray[np.float64]
    """`[MAX_PLAYERS]`: each seat's points."""
    worth: npt.NDArray[np.float32]
    """`[MAX_PLAYERS]`: the same over 10 + cards."""


def new_trees(count: int, simulations: int) -> Trees:
    """Room for `count` trees of `simulations` each: one node a simulation, and the root."""
    node = _aligned((count, simulations + 1), _NODE)
    edge = node["edge"]
    return Trees(
        nodes=np.zeros(count, np.int32),
        seat=node["seat"],
        edges=node["edges"],
        visits=node["visits"],
        value=node["value"],
        key=node["key"],
        sibling=node["sibling"],
        action=edge["action"],
        prior=edge["prior"],
        edge_visits=edge["visits"],
        edge_sum=edge["sum"],
        child=edge["child"],
        path_node=np.zeros((count, MAX_PATH), np.int32),
        path_edge=np.zeros((count, MAX_PATH), np.int8),
        path_length=np.zeros(count, np.int32),
        is_under_way=np.zeros(count, np.bool_),
        at=np.zeros(count, np.int32),
        wants=np.zeros(count, np.int8),
        root_edge=np.zeros(count, np.int8),
        simulations=np.zeros(count, np.int32),
        world=np.zeros((count, STATE), np.int64),
        leaf=np.zeros((count, STATE), np.int64),
        leaf_key=np.zeros(count, np.int64),
        ending=new_ending(),
        legal=np.zeros(MAX_LEGAL, np.int64),
        made=np.zeros(MAX_PLAYERS, np.float64),
        worth=np.zeros(MAX_PLAYERS, np.float32),
    )


def _aligned(shape: tuple[int, ...], kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """Zeros that begin with a line of the processor's cache."""
    taken = math.prod(shape) * kind.itemsize
    raw = np.zeros(taken + _CACHE_LINE, np.uint8)
    begin = -raw.ctypes.data % _CACHE_LINE
    return raw[begin : begin + taken].view(kind).reshape(shape)


@lean_kernel
def plant(trees: Trees, tree: int) -> None:
    """Empty the tree; its world becomes the leaf that waits for the root's priors and values."""
    trees.nodes[tree] = 0
    trees.simulations[tree] = 0
    trees.root_edge[tree] = NO_EDGE
    trees.is_under_way[tree] = False
    _return_to_root(trees, tree)
    trees.wants[tree] = PRIORS | VALUES


@lean_kernel
def set_out(trees: Trees, tree: int) -> None:
    """Begin a simulation, at the root in the tree's world."""
    trees.is_under_way[tree] = True
    _return_to_root(trees, tree)


@lean_kernel
def _return_to_root(trees: Trees, tree: int) -> None:
    trees.path_length[tree] = 0
    trees.at[tree] = 0
    copy_row(trees.world[tree], trees.leaf[tree])


@lean_kernel
def add_node(trees: Trees, tree: int, value: Values) -> None:
    """Make the waiting leaf a node that is worth `value`, and end its simulation with it.

    `value` is `[MAX_PLAYERS]`: each seat's expected points over 10 + cards.
    """
    node = trees.nodes[tree]
    trees.nodes[tree] = node + 1
    seat = trees.leaf[tree, SEAT]
    trees.seat[tree, node] = seat
    trees.edges[tree, node] = 0
    trees.visits[tree, node] = 0
    trees.value[tree, node] = value[seat]
    trees.key[tree, node] = trees.leaf_key[tree]
    trees.sibling[tree, node] = NO_NODE
    trees.wants[tree] &= ~VALUES
    depth = trees.path_length[tree]
    if depth > 0:
        parent = trees.path_node[tree, depth - 1]
        edge = trees.path_edge[tree, depth - 1]
        trees.sibling[tree, node] = trees.child[tree, parent, edge]
        trees.child[tree, parent, edge] = node
        _back_up(trees, tree, value)


@lean_kernel
def expand(trees: Trees, tree: int, prior: Priors) -> None:
    """Give the node that the tree has come to its edges, with these priors.

    `prior` is `[MAX_LEGAL]`, in the order of the leaf's legal actions.
    """
    node = trees.at[tree]
    legal = trees.legal
    count = legal_actions(trees.leaf[tree], legal)
    trees.edges[tree, node] = count
    trees.wants[tree] &= ~PRIORS
    for edge in range(count):
        trees.action[tree, node, edge] = legal[edge]
        trees.prior[tree, node, edge] = prior[edge]
        trees.edge_visits[tree, node, edge] = 0
        trees.edge_sum[tree, node, edge] = 0.0
        trees.child[tree, node, edge] = NO_NODE


@lean_kernel
def _back_up(trees: Trees, tree: int, value: Values) -> None:
    for step in range(trees.path_length[tree]):
        node = trees.path_node[tree, step]
        edge = trees.path_edge[tree, step]
        trees.visits[tree, node] += 1
        trees.edge_visits[tree, node, edge] += 1
        trees.edge_sum[tree, node, edge] += value[trees.seat[tree, node]]
    trees.simulations[tree] += 1
    trees.is_under_way[tree] = False


@lean_kernel
def walk(trees: Trees, tree: int, rules: Rules) -> None:
    """Take the simulation on to a leaf or a node that waits for an evaluation, or to its end.

    A walk that comes to where the points are known is backed up at once, and waits for nothing.
    """
    state = trees.leaf[tree]
    node = trees.at[tree]
    while trees.edges[tree, node] > 0:
        edge = _next_edge(trees, tree, node, rules.exploration)
        depth = trees.path_length[tree]
        trees.path_node[tree, depth] = node
        trees.path_edge[tree, depth] = edge
        trees.path_length[tree] = depth + 1
        seen = _take(state, trees.action[tree, node, edge])
        if _end(trees, tree, rules):
            return
        trees.leaf_key[tree] = information_key(seen, state[HANDS + state[SEAT]])
        node = _child(trees, tree, node, edge)
        if node == NO_NODE:
            trees.wants[tree] = VALUES
            return
    trees.at[tree] = node
    trees.wants[tree] = PRIORS


@lean_kernel
def _next_edge(trees: Trees, tree: int, node: int, exploration: float) -> int:
    if node == 0 and trees.root_edge[tree] != NO_EDGE:
        return trees.root_edge[tree]
    return select_edge(trees, tree, node, exploration)


@lean_kernel
def _take(state: State, action: int) -> int:
    """Take an action, and what is forced after it; return the key of that history."""
    history = NO_HISTORY
    while action >= 0:
        apply(state, action)
        history = extended(history, action)
        action = -1 if is_over(state) else only_action(state)
    return history


@lean_kernel
def _child(trees: Trees, tree: int, node: int, edge: int) -> int:
    """The node that the edge leads to in the world of the leaf, or `NO_NODE`."""
    child = trees.child[tree, node, edge]
    while child != NO_NODE and trees.key[tree, child] != trees.leaf_key[tree]:
        child = trees.sibling[tree, child]
    return child


@lean_kernel
def _end(trees: Trees, tree: int, rules: Rules) -> bool:
    """Whether the leaf's points are known without an evaluation; they are then backed up."""
    state = trees.leaf[tree]
    made = trees.made
    if is_over(state) or (rules.settle and is_settled(state)):
        for seat in range(state[PLAYERS]):
            made[seat] = points(state, seat)
    elif not is_bidding(state) and tricks_left(state) <= rules.solve_tricks:
        solve(state, trees.ending, made)
    else:
        return False
    for seat in range(state[PLAYERS]):
        trees.worth[seat] = made[seat] / most_points(state[ROUND])
    _back_up(trees, tree, trees.worth)
    return True


@lean_kernel
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
