"""Determinized search in lock-step: many decisions, several worlds each, one question a step.

A lane searches one decision: it draws worlds from what the acting seat knows, and grows one tree
in each, or a single one in all of them. `advance` moves a lane until each of its trees waits for an
evaluation or is done; the caller evaluates what waits in all lanes at once and comes back with the
answers. All worlds of a decision look alike to the acting seat, so their roots share an evaluation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import MAX_LEGAL, SEAT, STATE, State
from blobmaster.kernels.compile import copy_row, kernel, lean_kernel
from blobmaster.kernels.rng import Stream, gamma
from blobmaster.search.determinization import WorldTable, new_table, prepare_worlds, sample_world
from blobmaster.search.gumbel import (
    Halving,
    Improvement,
    Roots,
    begin_halving,
    best_kept,
    halve,
    improved_policy,
    new_halving,
    next_root_edge,
    pool_roots,
)
from blobmaster.search.tree import (
    NOTHING,
    PRIORS,
    VALUES,
    Priors,
    Rules,
    Trees,
    Values,
    add_node,
    expand,
    new_trees,
    plant,
    set_out,
    walk,
)

NO_ROW = -1
"""The row of a tree that waits for no such evaluation."""


class EvaluationRequests(NamedTuple):
    """The states that wait for an evaluation; R rows at most of either kind."""

    actor: State
    """`[R, STATE]`: wait for priors."""
    critic: State
    """`[R, STATE]`: wait for values."""
    rows: npt.NDArray[np.int64]
    """`[2]`: how many there are of each."""


class Search(NamedTuple):
    """The searches of `lanes` decisions at a time, each with `width` trees (T in all)."""

    trees: Trees
    """`lanes × width` trees: those of lane s from `s * width` on."""
    decision: State
    """`[lanes, STATE]`: what is decided."""
    actor_row: npt.NDArray[np.int32]
    """`[T]`: the row of the priors that a tree waits for, or `NO_ROW`."""
    critic_row: npt.NDArray[np.int32]
    """`[T]`: the row of the values."""
    budget: npt.NDArray[np.int32]
    """`[lanes]`: simulations of each tree."""
    limit: npt.NDArray[np.int32]
    """`[lanes]`: those after which trees wait for each other: the budget, or the next halving."""
    explores: npt.NDArray[np.bool_]
    """`[lanes]`: whether chance has a part at the root."""
    halving: Halving
    table: WorldTable
    """Scratch of the world sampler."""
    width: int
    simulations: int
    shared: bool
    gumbel: bool
    considered: int
    rules: Rules
    improvement: Improvement
    noise_share: float
    noise_total: float


def new_search(lanes: int, settings: SearchSettings) -> Search:
    """Room for `lanes` searches."""
    trees = lanes * settings.trees
    return Search(
        trees=new_trees(trees, settings.simulations_a_tree),
        decision=np.zeros((lanes, STATE), np.int64),
        actor_row=np.full(trees, NO_ROW, np.int32),
        critic_row=np.full(trees, NO_ROW, np.int32),
        budget=np.zeros(lanes, np.int32),
        limit=np.zeros(lanes, np.int32),
        explores=np.zeros(lanes, np.bool_),
        halving=new_halving(lanes),
        table=new_table(),
        width=settings.trees,
        simulations=settings.simulations_a_tree,
        shared=settings.tree == "shared",
        gumbel=settings.root == "gumbel",
        considered=settings.considered,
        rules=Rules(settings.exploration, settings.settle, settings.solve_tricks),
        improvement=Improvement(settings.visit_offset, settings.value_scale),
        noise_share=settings.noise_share,
        noise_total=settings.noise_total,
    )


def new_requests(lanes: int, settings: SearchSettings) -> EvaluationRequests:
    """Room for what `lanes` searches ask at once."""
    rows = lanes * settings.trees
    return EvaluationRequests(
        np.zeros((rows, STATE), np.int64), np.zeros((rows, STATE), np.int64), np.zeros(2, np.int64)
    )


def requested_states(requests: EvaluationRequests) -> tuple[State, State]:
    """Return the states that wait for priors and those that wait for values, each `[rows, STATE]`.

    The caller evaluates them and passes the priors and values to `advance_search`.
    """
    actor, critic = requests.rows
    return requests.actor[:actor], requests.critic[:critic]


@lean_kernel
def begin_search(
    search: Search, lane: int, state: State, simulations: int, explore: bool, stream: Stream
) -> None:
    """Draw the worlds of a decision; its roots wait for their evaluation.

    Args:
        search, lane: where.
        state: `[STATE]`, at a real choice of its acting seat. Only what that seat knows is used.
        simulations: of each tree, `search.simulations` at most.
        explore: whether chance has a part at the root, as in self-play.
        stream: the lane's own random stream.
    """
    copy_row(state, search.decision[lane])
    search.budget[lane] = simulations
    search.limit[lane] = simulations
    search.explores[lane] = explore
    prepare_worlds(state, state[SEAT], search.table)
    for tree in range(lane * search.width, (lane + 1) * search.width):
        sample_world(state, state[SEAT], search.table, stream, search.trees.world[tree])
        plant(search.trees, tree)


@lean_kernel
def request_evaluations(search: Search, lane: int, requests: EvaluationRequests) -> None:
    """Add what the lane's trees wait for to the questions."""
    trees, rows = search.trees, requests.rows
    first = lane * search.width
    at_roots = trees.nodes[first] == 0
    for tree in range(first, first + search.width):
        search.actor_row[tree] = search.critic_row[tree] = NO_ROW
        if at_roots and tree > first:
            search.actor_row[tree] = rows[0] - 1
            search.critic_row[tree] = rows[1] - 1
            continue
        if trees.wants[tree] & PRIORS:
            copy_row(trees.leaf[tree], requests.actor[rows[0]])
            search.actor_row[tree] = rows[0]
            rows[0] += 1
        if trees.wants[tree] & VALUES:
            copy_row(trees.leaf[tree], requests.critic[rows[1]])
            search.critic_row[tree] = rows[1]
            rows[1] += 1


@lean_kernel
def advance_search(
    search: Search, lane: int, priors: Priors, values: Values, stream: Stream
) -> bool:
    """Take the answers to what `gather` asked for the lane; whether its search is done.

    Every tree is left done, waiting for an evaluation, or for the others of its decision.
    """
    _take_answers(search, lane, priors, values, stream)
    while True:
        waiting = False
        for tree in range(lane * search.width, (lane + 1) * search.width):
            waiting |= _move_on(search, lane, tree, stream)
        if waiting:
            return False
        if search.limit[lane] == search.budget[lane]:
            return True
        _halve(search, lane)


@lean_kernel
def _take_answers(
    search: Search, lane: int, priors: Priors, values: Values, stream: Stream
) -> None:
    first = lane * search.width
    at_roots = search.trees.nodes[first] == 0
    for tree in range(first, first + search.width):
        if search.critic_row[tree] != NO_ROW:
            add_node(search.trees, tree, values[search.critic_row[tree]])
        if search.actor_row[tree] != NO_ROW:
            expand(search.trees, tree, priors[search.actor_row[tree]])
    if at_roots:
        _let_chance_in(search, lane, stream)


@kernel
def _let_chance_in(search: Search, lane: int, stream: Stream) -> None:
    """Have chance its part at roots that have just been expanded."""
    if search.gumbel:
        search.limit[lane] = begin_halving(
            search.halving,
            lane,
            pooled(search, lane),
            search.considered,
            search.budget[lane],
            search.explores[lane],
            stream,
        )
    elif search.explores[lane] and search.noise_share > 0.0:
        _add_noise(search, lane * search.width, stream)


@kernel
def _halve(search: Search, lane: int) -> None:
    search.limit[lane] = halve(
        search.halving,
        lane,
        pooled(search, lane),
        search.improvement,
        search.limit[lane],
        search.budget[lane],
    )


@lean_kernel
def _move_on(search: Search, lane: int, tree: int, stream: Stream) -> bool:
    """Simulate until the tree waits for an evaluation or is at its limit; whether it waits."""
    trees = search.trees
    while trees.wants[tree] == NOTHING:
        if not trees.is_under_way[tree]:
            if trees.simulations[tree] >= search.limit[lane]:
                return False
            _set_out(search, lane, tree, stream)
        walk(trees, tree, search.rules)
    return True


@lean_kernel
def _set_out(search: Search, lane: int, tree: int, stream: Stream) -> None:
    if search.shared and search.trees.simulations[tree] > 0:
        state = search.decision[lane]
        prepare_worlds(state, state[SEAT], search.table)
        sample_world(state, state[SEAT], search.table, stream, search.trees.world[tree])
    if search.gumbel:
        search.trees.root_edge[tree] = next_root_edge(search.halving, lane, search.trees, tree)
    set_out(search.trees, tree)


@kernel
def _add_noise(search: Search, first: int, stream: Stream) -> None:
    """Mix one draw of Dirichlet noise into the root priors of all worlds alike."""
    count = search.trees.edges[first, 0]
    noise = np.empty(MAX_LEGAL, np.float64)
    total = 0.0
    for edge in range(count):
        noise[edge] = gamma(stream, search.noise_total / count)
        total += noise[edge]
    share = search.noise_share
    for tree in range(first, first + search.width):
        for edge in range(count):
            prior = search.trees.prior[tree, 0, edge]
            search.trees.prior[tree, 0, edge] = (1 - share) * prior + share * noise[edge] / total


@kernel
def pooled(search: Search, lane: int) -> Roots:
    """What the lane's trees found at their roots, together."""
    return pool_roots(search.trees, lane * search.width, search.width)


@kernel
def root_policy(search: Search, lane: int, shares: npt.NDArray[np.float64]) -> int:
    """The policy that a search which is done tells to learn.

    Args:
        search, lane: where.
        shares: `[MAX_LEGAL]`, overwritten: shares of the visits, or with Gumbel roots the improved
            policy; they sum to one.

    Returns:
        The number of legal actions.
    """
    roots = pooled(search, lane)
    if search.gumbel:
        improved_policy(roots, search.improvement, shares)
    else:
        shares[:] = roots.visits / roots.visits.sum()
    return roots.edges


@kernel
def root_choice(search: Search, lane: int) -> int:
    """The edge that a search which is done takes: the most visited one, the first of those that
    tie; with Gumbel roots the best of those that are left."""
    roots = pooled(search, lane)
    if search.gumbel:
        return best_kept(search.halving, lane, roots, search.improvement)
    return int(np.argmax(roots.visits[: roots.edges]))


@kernel
def root_action(search: Search, lane: int, edge: int) -> int:
    """The action of an edge at the lane's root."""
    return search.trees.action[lane * search.width, 0, edge]
