"""Simulations in search trees: descend, add a node, expand it, back up; one tree at a time."""

from __future__ import annotations

import numpy as np

from blobmaster.game.rules import (
    DEALT,
    HANDS,
    PLAYERS,
    SEAT,
    State,
    apply,
    is_bidding,
    is_over,
    legal_actions,
    only_action,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inlined_kernel, lean_kernel
from blobmaster.search.endgame import is_settled, solve, tricks_left
from blobmaster.search.information_set import NO_HISTORY, extended, information_key
from blobmaster.search.tree import (
    NO_EDGE,
    NO_NODE,
    PRIORS,
    VALUES,
    Priors,
    TreeRules,
    Trees,
    Values,
)


@lean_kernel
def reset_tree(trees: Trees, tree: int) -> None:
    """Empty the tree; it then waits for the root's priors and values, in the tree's world."""
    # Nothing else needs clearing: `add_node` and `expand` write every field of
    # a node before it is read.
    trees.nodes[tree] = 0
    trees.simulations[tree] = 0
    trees.root_edge[tree] = NO_EDGE
    trees.is_simulating[tree] = False
    _return_to_root(trees, tree)
    trees.awaits[tree] = PRIORS | VALUES


@lean_kernel
def begin_simulation(trees: Trees, tree: int) -> None:
    """Begin a simulation at the root, in the tree's world."""
    trees.is_simulating[tree] = True
    _return_to_root(trees, tree)


@inlined_kernel
def _return_to_root(trees: Trees, tree: int) -> None:
    trees.path_length[tree] = 0
    trees.node_reached[tree] = 0
    copy_row(trees.world[tree], trees.leaf[tree])


@lean_kernel
def add_node(trees: Trees, tree: int, value: Values) -> None:
    """Add the waiting leaf as a node, and back up its values.

    Args:
        trees, tree: where.
        value: `[MAX_PLAYERS]`: each seat's expected points, as a share of the most points of the
            round.
    """
    node = trees.nodes[tree]
    trees.nodes[tree] = node + 1
    seat = trees.leaf[tree, SEAT]
    trees.seat[tree, node] = seat
    # No edges yet: `descend` stops at such a node and asks the actor. Most nodes are never reached
    # again, which saves 38 % of the actor's evaluations (618 instead of 995 a round,
    # docs/measurements.md).
    trees.edges[tree, node] = 0
    trees.visits[tree, node] = 0
    trees.value[tree, node] = value[seat]
    trees.key[tree, node] = trees.leaf_key[tree]
    trees.sibling[tree, node] = NO_NODE
    trees.awaits[tree] &= ~VALUES
    depth = trees.path_length[tree]
    if depth > 0:
        # Nodes of an edge, one per information set of the seat, form a list: newest first.
        parent = trees.path_node[tree, depth - 1]
        edge = trees.path_edge[tree, depth - 1]
        trees.sibling[tree, node] = trees.child[tree, parent, edge]
        trees.child[tree, parent, edge] = node
        _back_up(trees, tree, value)


@lean_kernel
def expand(trees: Trees, tree: int, prior: Priors) -> None:
    """Add edges to the node that waits for priors.

    Args:
        trees, tree: where.
        prior: `[MAX_LEGAL]`, in the order of the leaf's legal actions.
    """
    node = trees.node_reached[tree]
    # Legal actions follow from what the seat knows, so they are the same in every world that
    # reaches this node.
    legal = trees.legal
    count = legal_actions(trees.leaf[tree], legal)
    trees.edges[tree, node] = count
    trees.awaits[tree] &= ~PRIORS
    for edge in range(count):
        trees.action[tree, node, edge] = legal[edge]
        trees.prior[tree, node, edge] = prior[edge]
        trees.edge_visits[tree, node, edge] = 0
        trees.edge_sum[tree, node, edge] = 0.0
        trees.child[tree, node, edge] = NO_NODE


@inlined_kernel
def _back_up(trees: Trees, tree: int, value: Values) -> None:
    """Add the values to the edges of the current path, and end the simulation."""
    # The path ends at the parent of the new node. So a node's visits count the simulations that
    # went on from it, and they always add up to the visits of its edges, as PUCT assumes.
    for step in range(trees.path_length[tree]):
        node = trees.path_node[tree, step]
        edge = trees.path_edge[tree, step]
        trees.visits[tree, node] += 1
        trees.edge_visits[tree, node, edge] += 1
        trees.edge_sum[tree, node, edge] += value[trees.seat[tree, node]]
    trees.simulations[tree] += 1
    trees.is_simulating[tree] = False


@lean_kernel
def descend(trees: Trees, tree: int, rules: TreeRules) -> None:
    """Continue the simulation to a leaf or node that needs an evaluation, or to a known result.

    A known result is backed up at once, and the tree then waits for nothing.
    """
    # A simulation that waited for priors continues at its node, with the state
    # that it had reached there.
    state = trees.leaf[tree]
    node = trees.node_reached[tree]
    while trees.edges[tree, node] > 0:
        edge = _next_edge(trees, tree, node, rules.exploration)
        depth = trees.path_length[tree]
        trees.path_node[tree, depth] = node
        trees.path_edge[tree, depth] = edge
        trees.path_length[tree] = depth + 1
        # The key needs no more than the actions since the parent and the hand: everything earlier
        # is the same for all nodes below this edge.
        seen = _take(state, trees.action[tree, node, edge])
        if _back_up_result(trees, tree, rules):
            return
        trees.leaf_key[tree] = information_key(seen, state[HANDS + state[SEAT]])
        node = _child(trees, tree, node, edge)
        if node == NO_NODE:
            trees.awaits[tree] = VALUES
            return
    trees.node_reached[tree] = node
    trees.awaits[tree] = PRIORS


@inlined_kernel
def _next_edge(trees: Trees, tree: int, node: int, exploration: float) -> int:
    if node == 0 and trees.root_edge[tree] != NO_EDGE:
        return trees.root_edge[tree]
    return select_edge(trees, tree, node, exploration)


@lean_kernel
def _take(state: State, action: int) -> int:
    """Take an action and the forced moves after it; return the key of that history."""
    history = NO_HISTORY
    # Forced moves belong to the history too: after one and the same action, another world may force
    # other cards, and whoever acts next sees them.
    while action >= 0:
        apply(state, action)
        history = extended(history, action)
        action = -1 if is_over(state) else only_action(state)
    return history


@inlined_kernel
def _child(trees: Trees, tree: int, node: int, edge: int) -> int:
    """Return the node that the edge leads to in the leaf's world, or `NO_NODE`."""
    # In a single world an edge leads to one node at most. Only a shared tree has longer lists, one
    # node for each way in which the edge can look to the seat below it.
    child = trees.child[tree, node, edge]
    while child != NO_NODE and trees.key[tree, child] != trees.leaf_key[tree]:
        child = trees.sibling[tree, child]
    return child


@inlined_kernel
def _back_up_result(trees: Trees, tree: int, rules: TreeRules) -> bool:
    """Back up the leaf's points if they are known without an evaluation; return True if so."""
    state = trees.leaf[tree]
    seat_points = trees.seat_points
    if is_over(state) or (rules.settle and is_settled(state)):
        # Settled before its end, a round has no seat left that can make its bid, so
        # all points are 0 already.
        for seat in range(state[PLAYERS]):
            seat_points[seat] = points(state, seat)
    elif not is_bidding(state) and tricks_left(state) <= rules.solve_tricks:
        solve(state, trees.solver_stack, seat_points)
    else:
        return False
    for seat in range(state[PLAYERS]):
        trees.seat_values[seat] = seat_points[seat] / most_points(state[DEALT])
    _back_up(trees, tree, trees.seat_values)
    return True


@inlined_kernel
def select_edge(trees: Trees, tree: int, node: int, exploration: float) -> int:
    """Return the edge with the best PUCT score (Silver et al. 2017).

    An unvisited edge has its node's own value as its mean.
    """
    best = 0
    best_score = -np.inf
    # One more than the visits: at an unvisited node the priors still decide.
    bonus = exploration * np.sqrt(np.float64(trees.visits[tree, node] + 1))
    for edge in range(trees.edges[tree, node]):
        tried = trees.edge_visits[tree, node, edge]
        # With 0, the lowest value, an untried action would look as bad as a bid that is sure to
        # fail, and the search would hardly leave its first edges.
        seat_values = trees.value[tree, node]
        if tried > 0:
            seat_values = trees.edge_sum[tree, node, edge] / tried
        score = seat_values + bonus * trees.prior[tree, node, edge] / (1 + tried)
        if score > best_score:
            best_score = score
            best = edge
    return best
