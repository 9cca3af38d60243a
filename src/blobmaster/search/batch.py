"""The memory of searches in lock-step: their lanes, and the positions that they wait for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import STATE, State
from blobmaster.search.determinization import WorldTable, new_table
from blobmaster.search.gumbel import Halving, Improvement, new_halving
from blobmaster.search.tree import TreeRules, Trees, new_trees

NO_ROW = -1
"""The row of a tree that does not wait for this kind of evaluation."""


class EvaluationRequests(NamedTuple):
    """Positions that wait for an evaluation; at most R rows for each of the two networks."""

    actor: State
    """`[R, STATE]`: positions that wait for priors, in the first rows."""
    critic: State
    """`[R, STATE]`: positions that wait for values, in the first rows."""
    rows: npt.NDArray[np.int64]
    """`[2]`: number of rows in use in `actor` and `critic`."""


class Search(NamedTuple):
    """Searches of `lanes` decisions in lock-step, each with `width` trees (T in all)."""

    trees: Trees
    """`lanes × width` trees; those of lane s start at `s * width`."""
    decision: State
    """`[lanes, STATE]`: the position to decide in."""
    actor_row: npt.NDArray[np.int32]
    """`[T]`: row of the priors that a tree waits for, or `NO_ROW`."""
    critic_row: npt.NDArray[np.int32]
    """`[T]`: row of the values that a tree waits for, or `NO_ROW`."""
    budget: npt.NDArray[np.int32]
    """`[lanes]`: simulations per tree."""
    limit: npt.NDArray[np.int32]
    """`[lanes]`: simulations after which a decision's trees wait for each other: the budget, or the
    next halving."""
    explores: npt.NDArray[np.bool_]
    """`[lanes]`: True if the root has noise, as in self-play."""
    halving: Halving
    table: WorldTable
    """Scratch of the world sampler."""
    width: int
    """Trees per decision."""
    simulations: int
    """Most simulations per tree."""
    shared: bool
    """True if one tree per decision searches all worlds, another one in each simulation."""
    gumbel: bool
    """True for sequential halving at the root, False for PUCT with Dirichlet noise."""
    considered: int
    """Actions that sequential halving starts with."""
    rules: TreeRules
    improvement: Improvement
    noise_share: float
    """Share of Dirichlet noise in the root priors."""
    noise_total: float
    """Sum of the concentration parameters of the Dirichlet noise."""


def new_search(lanes: int, settings: SearchSettings) -> Search:
    """Allocate `lanes` searches."""
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
        rules=TreeRules(settings.exploration, settings.settle, settings.solve_tricks),
        improvement=Improvement(settings.visit_offset, settings.value_scale),
        noise_share=settings.noise_share,
        noise_total=settings.noise_total,
    )


def new_requests(lanes: int, settings: SearchSettings) -> EvaluationRequests:
    """Allocate the requests of `lanes` searches."""
    # A tree waits for one position at a time, so there are never more rows than trees.
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
