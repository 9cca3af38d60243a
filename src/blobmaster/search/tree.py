"""Search trees in flat arrays: their memory layout (`blobmaster.search.simulation` grows them).

A tree searches open worlds: deals in which every hand is known. It searches one world, or another
world in each simulation. A node is an information set of its seat, so worlds that look the same to
that seat share the node. Only real choices have nodes; forced moves are played through. Each seat
maximises its own points (max^n, Luckhardt and Irani 1986): an edge sums the value for the seat that
chooses at its node, and from a leaf's value vector each node on the path takes its own seat's part.

A new node gets values only. It is expanded with priors when a later simulation reaches it, because
most leaves are never reached again.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS
from blobmaster.game.rules import (
    MAX_LEGAL,
    STATE,
)
from blobmaster.search.endgame import SolverStack, new_solver_stack

MAX_PATH = CARDS + MAX_PLAYERS
"""Upper bound of the actions of a round."""

NO_NODE = -1
NO_EDGE = -1
NOTHING, PRIORS, VALUES = 0, 1, 2
"""Evaluations that a tree may wait for, as bits."""

Values = npt.NDArray[np.float32]
Priors = npt.NDArray[np.float32]


_CACHE_LINE = 64
"""Bytes."""

# Single precision and small integers are chosen for size: they keep an edge at 20 bytes. Fields
# stand in the order of their alignment, so that only the end of an edge is padded.
_EDGE = np.dtype(
    [("prior", "f4"), ("visits", "i4"), ("sum", "f4"), ("child", "i4"), ("action", "i1")],
    align=True,
)
# What a descent reads first stands first: the node's fields and its first two
# edges share a cache line.
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
"""Memory layout of a node: an array of structs. A node takes six cache lines, and one with five
actions touches two of them. With an array per field, each step of a descent touched twelve."""


class TreeRules(NamedTuple):
    """Settings of a tree's growth."""

    exploration: float
    """The constant of PUCT."""
    settle: bool
    """True to stop where no seat's points can change any more."""
    solve_tricks: int
    """Tricks left at which `solve` replaces the search; 0 for never."""


class Trees(NamedTuple):
    """T trees of up to M nodes, each with up to `MAX_LEGAL` edges (E)."""

    nodes: npt.NDArray[np.int32]
    """`[T]`: nodes in use; node 0 is the root."""
    seat: npt.NDArray[np.int8]
    """`[T, M]`: the seat that chooses at the node."""
    edges: npt.NDArray[np.int8]
    """`[T, M]`: the number of legal actions; 0 while the node has no priors."""
    visits: npt.NDArray[np.int32]
    """`[T, M]`: simulations that continued from the node."""
    value: npt.NDArray[np.float32]
    """`[T, M]`: the evaluator's value of the node for its own seat."""
    key: npt.NDArray[np.int64]
    """`[T, M]`: hash of what its seat knows beyond the knowledge at the parent."""
    sibling: npt.NDArray[np.int32]
    """`[T, M]`: another node that the same edge leads to in other worlds, or `NO_NODE`."""
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
    """`[T, MAX_PATH]`: nodes of the current simulation."""
    path_edge: npt.NDArray[np.int8]
    """`[T, MAX_PATH]`: the edge that it took at each node."""
    path_length: npt.NDArray[np.int32]
    """`[T]`: number of edges taken so far."""
    is_simulating: npt.NDArray[np.bool_]
    """`[T]`: True while a simulation has not been backed up."""
    node_reached: npt.NDArray[np.int32]
    """`[T]`: the node that waits for priors, when one does."""
    awaits: npt.NDArray[np.int8]
    """`[T]`: evaluations of `leaf` that the tree waits for: bits `PRIORS` and `VALUES`."""
    root_edge: npt.NDArray[np.int8]
    """`[T]`: the edge that simulations take at the root, or `NO_EDGE` if PUCT selects it."""
    simulations: npt.NDArray[np.int32]
    """`[T]`: simulations finished since the root was expanded."""
    world: npt.NDArray[np.int64]
    """`[T, STATE]`: the state at the root, every hand known."""
    leaf: npt.NDArray[np.int64]
    """`[T, STATE]`: the state that the current simulation has reached."""
    leaf_key: npt.NDArray[np.int64]
    """`[T]`: the key of a node for `leaf`."""
    solver_stack: SolverStack
    """Scratch; so is all that follows."""
    legal: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`: legal actions."""
    seat_points: npt.NDArray[np.float64]
    """`[MAX_PLAYERS]`: each seat's points."""
    seat_values: npt.NDArray[np.float32]
    """`[MAX_PLAYERS]`: the same as a share of the most points of the round."""


def new_trees(count: int, simulations: int) -> Trees:
    """Allocate `count` trees of `simulations` each: one node per simulation, and the root."""
    # The fields are strided views of one array of structs: kernels index them like plain arrays.
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
        # A path is kept per tree, not per thread: while one tree waits for its
        # evaluation, others descend.
        path_node=np.zeros((count, MAX_PATH), np.int32),
        path_edge=np.zeros((count, MAX_PATH), np.int8),
        path_length=np.zeros(count, np.int32),
        is_simulating=np.zeros(count, np.bool_),
        node_reached=np.zeros(count, np.int32),
        awaits=np.zeros(count, np.int8),
        root_edge=np.zeros(count, np.int8),
        simulations=np.zeros(count, np.int32),
        world=np.zeros((count, STATE), np.int64),
        leaf=np.zeros((count, STATE), np.int64),
        leaf_key=np.zeros(count, np.int64),
        # One scratch for all trees: a thread works on them in turn, and
        # nothing here outlives a call.
        solver_stack=new_solver_stack(),
        legal=np.zeros(MAX_LEGAL, np.int64),
        seat_points=np.zeros(MAX_PLAYERS, np.float64),
        seat_values=np.zeros(MAX_PLAYERS, np.float32),
    )


def _aligned(shape: tuple[int, ...], kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
    """Return zeros that start at a cache line.

    numpy aligns to 16 bytes, and a node that starts inside a line would touch one line more.
    """
    taken = math.prod(shape) * kind.itemsize
    raw = np.zeros(taken + _CACHE_LINE, np.uint8)
    # The result is a view of `raw`, which numpy keeps alive as its base.
    begin = -raw.ctypes.data % _CACHE_LINE
    return raw[begin : begin + taken].view(kind).reshape(shape)
