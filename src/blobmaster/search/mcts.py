"""Determinized search in lock-step: many decisions with several worlds each, one batch per step.

A lane searches one decision. It samples worlds from the acting seat's knowledge, and grows a tree
in each world, or a single tree in all of them. A step works like this:

1. `request_evaluations` collects the positions that the trees of a lane wait for.
2. The caller evaluates the positions of all lanes in one batch.
3. `advance_search` uses the results, and simulates until each tree waits again or is done.

All worlds of a decision look the same to the acting seat, so their roots share one evaluation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL, SEAT, State
from blobmaster.kernels.arrays import copy_row, first_largest
from blobmaster.kernels.compile import inlined_kernel, kernel, lean_kernel
from blobmaster.kernels.rng import Stream, gamma
from blobmaster.search.batch import NO_ROW, EvaluationRequests, Search
from blobmaster.search.determinization import prepare_worlds, sample_world
from blobmaster.search.gumbel import (
    RootStatistics,
    begin_halving,
    best_kept,
    halve,
    improved_policy,
    next_root_edge,
    sum_roots,
)
from blobmaster.search.simulation import add_node, begin_simulation, descend, expand, reset_tree
from blobmaster.search.tree import NOTHING, PRIORS, VALUES, Priors, Values


@lean_kernel
def begin_search(
    search: Search, lane: int, state: State, simulations: int, explore: bool, stream: Stream
) -> None:
    """Begin the search of a decision: sample its worlds, and wait for the roots' evaluation.

    Args:
        search, lane: where.
        state: `[STATE]`, at a choice of its acting seat. Only that seat's knowledge is used.
        simulations: simulations per tree, at most `search.simulations`.
        explore: True for noise at the root, as in self-play.
        stream: the lane's own random stream.
    """
    # A copy: a shared tree samples worlds from it in later steps.
    copy_row(state, search.decision[lane])
    search.budget[lane] = simulations
    search.limit[lane] = simulations
    search.explores[lane] = explore
    prepare_worlds(state, state[SEAT], search.table)
    for tree in range(lane * search.width, (lane + 1) * search.width):
        sample_world(state, state[SEAT], search.table, stream, search.trees.world[tree])
        reset_tree(search.trees, tree)


@lean_kernel
def request_evaluations(search: Search, lane: int, requests: EvaluationRequests) -> None:
    """Add the positions that the lane's trees wait for to the requests."""
    trees, rows = search.trees, requests.rows
    first = lane * search.width
    # Trees of a lane are reset together, so the first one tells for all.
    is_new = trees.nodes[first] == 0
    for tree in range(first, first + search.width):
        search.actor_row[tree] = search.critic_row[tree] = NO_ROW
        # All roots of a decision look the same to its seat, and no value of a root is backed up:
        # the first root's rows serve all of them.
        if is_new and tree > first:
            search.actor_row[tree] = rows[0] - 1
            search.critic_row[tree] = rows[1] - 1
            continue
        if trees.awaits[tree] & PRIORS:
            copy_row(trees.leaf[tree], requests.actor[rows[0]])
            search.actor_row[tree] = rows[0]
            rows[0] += 1
        if trees.awaits[tree] & VALUES:
            copy_row(trees.leaf[tree], requests.critic[rows[1]])
            search.critic_row[tree] = rows[1]
            rows[1] += 1


@lean_kernel
def advance_search(
    search: Search, lane: int, priors: Priors, values: Values, stream: Stream
) -> bool:
    """Use the evaluations that the lane requested; return True when its search is done.

    Afterwards every tree is done, waits for an evaluation, or waits for the decision's other trees.

    Args:
        search, lane: where.
        priors: `[rows, MAX_LEGAL]`, for the positions in `EvaluationRequests.actor`.
        values: `[rows, MAX_PLAYERS]`, for the positions in `EvaluationRequests.critic`.
        stream: the lane's own random stream.
    """
    _use_evaluations(search, lane, priors, values, stream)
    while True:
        # All trees of the decision reach the limit before the next halving, which compares them.
        waiting = False
        for tree in range(lane * search.width, (lane + 1) * search.width):
            waiting |= _simulate_until_waiting(search, lane, tree, stream)
        if waiting:
            return False
        # With PUCT at the root the limit is the budget from the start, and nothing is ever halved.
        if search.limit[lane] == search.budget[lane]:
            return True
        _halve(search, lane)


@inlined_kernel
def _use_evaluations(
    search: Search, lane: int, priors: Priors, values: Values, stream: Stream
) -> None:
    """Add and expand the nodes of the lane's trees that waited."""
    first = lane * search.width
    is_new = search.trees.nodes[first] == 0
    # Values before priors: a new root gets both at once, and `add_node` would reset the
    # edges that `expand` has made.
    for tree in range(first, first + search.width):
        if search.critic_row[tree] != NO_ROW:
            add_node(search.trees, tree, values[search.critic_row[tree]])
        if search.actor_row[tree] != NO_ROW:
            expand(search.trees, tree, priors[search.actor_row[tree]])
    # Only now do all of the decision's roots have priors, which noise and halving need.
    if is_new:
        _prepare_root(search, lane, stream)


@kernel
def _prepare_root(search: Search, lane: int, stream: Stream) -> None:
    """Choose the actions to consider, or add Dirichlet noise, at newly expanded roots."""
    if search.gumbel:
        search.limit[lane] = begin_halving(
            search.halving,
            lane,
            root_statistics(search, lane),
            search.considered,
            search.budget[lane],
            search.explores[lane],
            stream,
        )
    elif search.explores[lane] and search.noise_share > 0.0:
        _add_noise(search, lane * search.width, stream)


@kernel
def _halve(search: Search, lane: int) -> None:
    """Drop the worse half of the considered actions in all trees of the lane."""
    search.limit[lane] = halve(
        search.halving,
        lane,
        root_statistics(search, lane),
        search.improvement,
        search.limit[lane],
        search.budget[lane],
    )


@inlined_kernel
def _simulate_until_waiting(search: Search, lane: int, tree: int, stream: Stream) -> bool:
    """Simulate until the tree waits for an evaluation (return True) or is at its limit."""
    trees = search.trees
    # A simulation that ends in a known result waits for nothing, so the next one follows at once:
    # near the end of a round many simulations fit into one step.
    while trees.awaits[tree] == NOTHING:
        if not trees.is_simulating[tree]:
            if trees.simulations[tree] >= search.limit[lane]:
                return False
            _begin_simulation(search, lane, tree, stream)
        descend(trees, tree, search.rules)
    return True


@inlined_kernel
def _begin_simulation(search: Search, lane: int, tree: int, stream: Stream) -> None:
    """Begin a simulation; a shared tree samples a new world for each but the first."""
    if search.shared and search.trees.simulations[tree] > 0:
        # The counts in `table` may be another decision's by now: all lanes use the same scratch.
        state = search.decision[lane]
        prepare_worlds(state, state[SEAT], search.table)
        sample_world(state, state[SEAT], search.table, stream, search.trees.world[tree])
    if search.gumbel:
        search.trees.root_edge[tree] = next_root_edge(search.halving, lane, search.trees, tree)
    begin_simulation(search.trees, tree)


@kernel
def _add_noise(search: Search, first: int, stream: Stream) -> None:
    """Mix one draw of Dirichlet noise into the root priors of all the decision's worlds.

    Normalised gamma variables are Dirichlet-distributed.
    """
    # A constant sum of concentrations: with more actions each gets less noise (as in AlphaZero).
    count = search.trees.edges[first, 0]
    noise = np.empty(MAX_LEGAL, np.float64)
    total = 0.0
    for edge in range(count):
        # The sum cannot underflow to 0: settings keep `noise_total` at 0.1 or more.
        noise[edge] = gamma(stream, search.noise_total / count)
        total += noise[edge]
    share = search.noise_share
    # The same noise in every world. With a draw per world, the noise would partly cancel out in the
    # pooled visit counts, and self-play would explore less than `noise_share` says.
    for tree in range(first, first + search.width):
        for edge in range(count):
            prior = search.trees.prior[tree, 0, edge]
            search.trees.prior[tree, 0, edge] = (1 - share) * prior + share * noise[edge] / total


@kernel
def root_statistics(search: Search, lane: int) -> RootStatistics:
    """Return the pooled statistics of the lane's roots."""
    return sum_roots(search.trees, lane * search.width, search.width)


@kernel
def root_policy(search: Search, lane: int, shares: npt.NDArray[np.float64]) -> int:
    """Write the policy target of a finished search.

    Args:
        search, lane: where.
        shares: `[MAX_LEGAL]`, overwritten: visit shares, or with Gumbel roots the improved policy.
            They sum to one.

    Returns:
        The number of legal actions.
    """
    roots = root_statistics(search, lane)
    if search.gumbel:
        improved_policy(roots, search.improvement, shares)
    else:
        # At least one simulation was made, so the sum is not 0.
        total = 0
        for edge in range(len(shares)):
            total += roots.visits[edge]
        for edge in range(len(shares)):
            shares[edge] = roots.visits[edge] / total
    return roots.edges


@kernel
def root_choice(search: Search, lane: int) -> int:
    """Return the edge to play after a finished search.

    It is the most visited edge, the first one of a tie; with Gumbel roots the best edge that
    sequential halving has left.
    """
    roots = root_statistics(search, lane)
    if search.gumbel:
        return best_kept(search.halving, lane, roots, search.improvement)
    return first_largest(roots.visits, roots.edges)


@kernel
def root_action(search: Search, lane: int, edge: int) -> int:
    """Return the action of an edge at the lane's root."""
    return search.trees.action[lane * search.width, 0, edge]
