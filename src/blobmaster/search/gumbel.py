"""Gumbel search at the root: sequential halving, and the improved policy.

Danihelka et al., "Policy improvement by planning with Gumbel" (2022): visit the actions with the
highest perturbed log priors equally often, drop the worse half, and repeat until the simulations
are used up. All worlds of a decision are halved together, by their pooled values, and each world
visits the same actions equally often, so actions are compared in the same worlds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL
from blobmaster.kernels.arrays import first_largest, largest
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream, gumbel
from blobmaster.search.tree import Trees

_MIN_PRIOR = 1e-12
"""Lower bound of priors: a network's prior may underflow to 0, which has no logarithm."""


class Improvement(NamedTuple):
    """The scale of values in the improved policy, `σ` in the paper; see `value_step`."""

    visit_offset: float
    value_scale: float


class Halving(NamedTuple):
    """The actions that each decision's search still considers; S lanes."""

    score: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL]`: logarithms of the root's priors, plus Gumbel noise if it explores."""
    kept: npt.NDArray[np.bool_]
    """`[S, MAX_LEGAL]`: True for actions still considered."""
    phases: npt.NDArray[np.int64]
    """`[S]`: number of phases, one per halving."""


class RootStatistics(NamedTuple):
    """Pooled statistics of the roots of one decision's trees."""

    edges: int
    """Number of legal actions."""
    visits: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`: visit count of each action."""
    value: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: mean value of each action for the deciding seat. Unvisited actions get the
    mixed value of the paper's appendix D, as in mctx."""
    logit: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: logarithms of the priors."""


def new_halving(lanes: int) -> Halving:
    """Allocate for `lanes` decisions."""
    return Halving(
        score=np.zeros((lanes, MAX_LEGAL)),
        kept=np.zeros((lanes, MAX_LEGAL), np.bool_),
        phases=np.zeros(lanes, np.int64),
    )


@kernel
def sum_roots(trees: Trees, first: int, width: int) -> RootStatistics:
    """Pool the roots of `width` trees from `first` on."""
    count = int(trees.edges[first, 0])
    visits = np.zeros(MAX_LEGAL, np.int64)
    value = np.zeros(MAX_LEGAL, np.float64)
    logit = np.zeros(MAX_LEGAL, np.float64)
    for edge in range(count):
        # The first tree's priors are those of all: roots share one
        # evaluation and one draw of noise.
        logit[edge] = np.log(max(trees.prior[first, 0, edge], _MIN_PRIOR))
        for tree in range(first, first + width):
            visits[edge] += trees.edge_visits[tree, 0, edge]
            value[edge] += trees.edge_sum[tree, 0, edge]
    total, weight, weighted = 0, 0.0, 0.0
    for edge in range(count):
        if visits[edge] > 0:
            value[edge] /= visits[edge]
            prior = np.exp(logit[edge])
            total += visits[edge]
            weight += prior
            weighted += prior * value[edge]
    # Mixed value: the network's value of the root, and the prior-weighted mean of visited actions.
    mixed = trees.value[first, 0]
    # `weight` is not 0 here, since no prior is below `_MIN_PRIOR`.
    if total > 0:
        mixed = (mixed + total * weighted / weight) / (1 + total)
    for edge in range(count):
        if visits[edge] == 0:
            value[edge] = mixed
    return RootStatistics(count, visits, value, logit)


@inner_kernel
def value_step(roots: RootStatistics, improvement: Improvement) -> float:
    """Return the factor of values in a policy's logits; it grows with the most visits."""
    # Many visits make a mean trustworthy, so values then outweigh priors. Values are not
    # rescaled to their range, as mctx does: it would turn the small differences of a few
    # worlds into certainties.
    return (improvement.visit_offset + largest(roots.visits, MAX_LEGAL)) * improvement.value_scale


@kernel
def improved_policy(
    roots: RootStatistics, improvement: Improvement, shares: npt.NDArray[np.float64]
) -> None:
    """Write the improved policy `prior × exp(step × value)`, normalised, to `shares`.

    `shares` is `[MAX_LEGAL]`; entries beyond the legal actions become 0.
    """
    step = value_step(roots, improvement)
    shares[:] = -np.inf
    for edge in range(roots.edges):
        shares[edge] = roots.logit[edge] + step * roots.value[edge]
    # The maximum is subtracted: settings allow a `step` of a million, whose exp is infinite.
    shares[:] = np.exp(shares - shares.max())
    shares /= shares.sum()


@inner_kernel
def begin_halving(
    halving: Halving,
    lane: int,
    roots: RootStatistics,
    considered: int,
    simulations: int,
    explore: bool,
    stream: Stream,
) -> int:
    """Choose the actions to consider: those with the highest scores, at most one per simulation.

    Returns:
        The number of simulations per tree after which to call `halve`.
    """
    for edge in range(roots.edges):
        # The noise is drawn once and stays for the whole search. The highest scores are then a
        # sample of actions without replacement (Gumbel top-k), and the best of them, with its value
        # added, is close to a draw from the improved policy.
        halving.score[lane, edge] = roots.logit[edge]
        if explore:
            halving.score[lane, edge] += gumbel(stream)
    # Each considered action needs a simulation, so a small budget considers fewer actions.
    kept = min(considered, roots.edges, simulations)
    _keep_best(halving, lane, halving.score[lane], roots.edges, kept)
    halving.phases[lane] = max(int(np.ceil(np.log2(kept))), 1)
    return _phase_end(halving, lane, kept, 0, simulations)


@kernel
def halve(
    halving: Halving,
    lane: int,
    roots: RootStatistics,
    improvement: Improvement,
    done: int,
    simulations: int,
) -> int:
    """Drop the worse half of the actions, after `done` simulations per tree.

    Returns:
        The number of simulations per tree after which to halve again.
    """
    # Two are kept to the end: the last phase spends all that is left of the budget on them.
    # At least three actions are considered here, as a phase with two lasts
    # to the end of the budget.
    kept = max((halving.kept[lane].sum() + 1) // 2, 2)
    _keep_best(halving, lane, _scores(halving, lane, roots, improvement), roots.edges, kept)
    return _phase_end(halving, lane, kept, done, simulations)


@inner_kernel
def next_root_edge(halving: Halving, lane: int, trees: Trees, tree: int) -> int:
    """Return the considered edge that this tree has visited least; the first one of a tie."""
    # In turns: so a phase that the budget cuts short still has equal visits, give or take one.
    chosen = -1
    for edge in range(trees.edges[tree, 0]):
        visits = trees.edge_visits[tree, 0, edge]
        if halving.kept[lane, edge] and (chosen < 0 or visits < trees.edge_visits[tree, 0, chosen]):
            chosen = edge
    return chosen


@kernel
def best_kept(halving: Halving, lane: int, roots: RootStatistics, improvement: Improvement) -> int:
    """Return the best edge of those still considered."""
    return first_largest(_scores(halving, lane, roots, improvement), MAX_LEGAL)


@kernel
def _scores(
    halving: Halving, lane: int, roots: RootStatistics, improvement: Improvement
) -> npt.NDArray[np.float64]:
    """Return the perturbed logits of the improved policy, `[MAX_LEGAL]`; -inf if dropped."""
    scores = np.full(MAX_LEGAL, -np.inf)
    step = value_step(roots, improvement)
    for edge in range(roots.edges):
        if halving.kept[lane, edge]:
            scores[edge] = halving.score[lane, edge] + step * roots.value[edge]
    return scores


@kernel
def _keep_best(
    halving: Halving, lane: int, scores: npt.NDArray[np.float64], count: int, kept: int
) -> None:
    """Consider only the `kept` best of the first `count` scores."""
    left = scores.copy()
    left[count:] = -np.inf
    halving.kept[lane] = False
    for _ in range(kept):
        best = first_largest(left, MAX_LEGAL)
        halving.kept[lane, best] = True
        left[best] = -np.inf


@inner_kernel
def _phase_end(halving: Halving, lane: int, kept: int, done: int, simulations: int) -> int:
    """Return the simulations per tree at which the phase ends, with equal visits in it."""
    # The last phase takes what is left, with the remainders of the divisions before it.
    if kept <= 2:
        return simulations
    # Each phase gets an equal part of the budget. With a small one that is less than a visit per
    # action; then every action gets one, and the budget runs out before the last phases.
    visits = max(simulations // (halving.phases[lane] * kept), 1)
    return min(done + visits * kept, simulations)
