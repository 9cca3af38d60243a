"""Determinized search in lock-step: many decisions, several worlds each, one evaluation a step.

A slot searches one decision: it draws worlds from what the acting seat knows, and grows one tree
in each. `advance` moves a slot until each of its trees waits for an evaluation or is done; the
caller evaluates the waiting leaves of all slots at once and comes back with the answers. All
worlds of a decision look alike to the acting seat, so their roots share one evaluation.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL, SEAT, State
from blobmaster.kernels import kernel
from blobmaster.randomness import Stream, gamma
from blobmaster.search.determinize import WorldTable, new_table, prepare_worlds, sample_world
from blobmaster.search.settings import SearchSettings
from blobmaster.search.tree import Priors, Trees, Values, expand, new_trees, plant, simulate

NO_ROW = -1
"""The row of a tree that waits for no evaluation."""


class Evaluator(Protocol):
    """What search asks about an information set: the acting seat's view of each state."""

    def evaluate(self, states: State) -> tuple[Priors, Values]:
        """Evaluate `[rows, STATE]`.

        Returns:
            Priors `[rows, MAX_LEGAL]` in the order of `legal_actions`, each row summing to one,
            and values `[rows, MAX_PLAYERS]`: each seat's expected points over 10 + cards dealt.
            Nothing but what the acting seat of a state may see can change its row.
        """
        ...


class Search(NamedTuple):
    """The searches of `slots` decisions at a time, each with `worlds` trees."""

    trees: Trees
    """`slots × worlds` trees: those of slot s from `s * worlds` on."""
    row: npt.NDArray[np.int32]
    """`[slots * worlds]`: the row of the evaluation that a tree waits for, or `NO_ROW`."""
    table: WorldTable
    """Scratch of the world sampler."""
    worlds: int
    simulations: int
    exploration: float
    noise_share: float
    noise_total: float


def new_search(slots: int, settings: SearchSettings, *, explore: bool) -> Search:
    """Room for `slots` searches; `explore` adds noise at the roots, as self-play does."""
    return Search(
        trees=new_trees(slots * settings.worlds, settings.simulations),
        row=np.full(slots * settings.worlds, NO_ROW, np.int32),
        table=new_table(),
        worlds=settings.worlds,
        simulations=settings.simulations,
        exploration=settings.exploration,
        noise_share=settings.noise_share if explore else 0.0,
        noise_total=settings.noise_total,
    )


@kernel
def begin(search: Search, slot: int, state: State, stream: Stream) -> None:
    """Draw the worlds of a decision; its roots wait for their evaluation.

    Args:
        search, slot: where.
        state: `[STATE]`, at a real choice of its acting seat. Only what that seat knows is used.
        stream: the slot's own random stream.
    """
    prepare_worlds(state, state[SEAT], search.table)
    for tree in range(slot * search.worlds, (slot + 1) * search.worlds):
        sample_world(state, state[SEAT], search.table, stream, search.trees.world[tree])
        plant(search.trees, tree)


@kernel
def gather(search: Search, slot: int, rows: State, count: int) -> int:
    """Write the slot's waiting leaves into `rows` from `count` on; return the new count."""
    trees = search.trees
    first = slot * search.worlds
    at_roots = trees.nodes[first] == 0
    for tree in range(first, first + search.worlds):
        if at_roots and tree > first:
            search.row[tree] = count - 1
        elif at_roots or trees.simulations[tree] < search.simulations:
            rows[count] = trees.leaf[tree]
            search.row[tree] = count
            count += 1
        else:
            search.row[tree] = NO_ROW
    return count


@kernel
def advance(search: Search, slot: int, priors: Priors, values: Values, stream: Stream) -> bool:
    """Take the answers to the slot's waiting leaves; whether its search is done.

    Every tree is left done or with a leaf that waits. `priors` and `values` are the evaluations
    of the rows that `gather` wrote.
    """
    trees = search.trees
    first = slot * search.worlds
    if trees.nodes[first] == 0:
        _expand_roots(search, first, priors, values, stream)
    else:
        for tree in range(first, first + search.worlds):
            if search.row[tree] != NO_ROW:
                expand(trees, tree, priors[search.row[tree]], values[search.row[tree]])
    done = True
    for tree in range(first, first + search.worlds):
        while trees.simulations[tree] < search.simulations:
            if simulate(trees, tree, search.exploration):
                done = False
                break
    return done


@kernel
def _expand_roots(
    search: Search, first: int, priors: Priors, values: Values, stream: Stream
) -> None:
    for tree in range(first, first + search.worlds):
        expand(search.trees, tree, priors[search.row[tree]], values[search.row[tree]])
    if search.noise_share > 0.0:
        _add_noise(search, first, stream)


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
    for tree in range(first, first + search.worlds):
        for edge in range(count):
            prior = search.trees.prior[tree, 0, edge]
            search.trees.prior[tree, 0, edge] = (1 - share) * prior + share * noise[edge] / total


@kernel
def root_visits(search: Search, slot: int, visits: npt.NDArray[np.int64]) -> int:
    """Sum the root's visits over the worlds into `visits` (`[MAX_LEGAL]`); return how many
    legal actions there are."""
    first = slot * search.worlds
    count = search.trees.edges[first, 0]
    visits[:] = 0
    for tree in range(first, first + search.worlds):
        for edge in range(count):
            visits[edge] += search.trees.edge_visits[tree, 0, edge]
    return count


@kernel
def root_action(search: Search, slot: int, edge: int) -> int:
    """The action of an edge at the slot's root."""
    return search.trees.action[slot * search.worlds, 0, edge]
