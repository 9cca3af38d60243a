"""Choices at the root by Gumbel noise and sequential halving, and the policies that values improve.

Danihelka et al., "Policy improvement by planning with Gumbel" (2022): the actions with the highest
perturbed priors are visited alike, the worse half is dropped, and so on until the simulations are
used up. A decision's worlds are halved together, by their pooled values, and each of them visits
the same actions as often, so that actions are compared in the same worlds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.rules import MAX_LEGAL
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, gumbel
from blobmaster.search.tree import Trees

_LEAST_PRIOR = 1e-12
"""What a prior counts as at least: the network's may underflow, and have no logarithm."""


class Improvement(NamedTuple):
    """How far values move a policy: by the exponential of a step times the value."""

    visit_offset: float
    value_scale: float


class Halving(NamedTuple):
    """The actions that a decision's search still considers; S lanes."""

    score: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL]`: logarithms of the root's priors, with Gumbel noise where it explores."""
    kept: npt.NDArray[np.bool_]
    """`[S, MAX_LEGAL]`."""
    phases: npt.NDArray[np.int64]
    """`[S]`: how often the considered actions can be halved."""


class Roots(NamedTuple):
    """What the trees of one decision found at their roots, together."""

    edges: int
    """Legal actions."""
    visits: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`."""
    value: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: mean value for the seat that decides; of an action that was not tried, what
    is known of the others (mctx's mixed value)."""
    logit: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: logarithms of the priors."""


def new_halving(lanes: int) -> Halving:
    """Room for the decisions of `lanes`."""
    return Halving(
        score=np.zeros((lanes, MAX_LEGAL)),
        kept=np.zeros((lanes, MAX_LEGAL), np.bool_),
        phases=np.zeros(lanes, np.int64),
    )


@kernel
def pool_roots(trees: Trees, first: int, width: int) -> Roots:
    """Sum up the roots of `width` trees from `first` on."""
    count = int(trees.edges[first, 0])
    visits = np.zeros(MAX_LEGAL, np.int64)
    value = np.zeros(MAX_LEGAL, np.float64)
    logit = np.zeros(MAX_LEGAL, np.float64)
    for edge in range(count):
        logit[edge] = np.log(max(trees.prior[first, 0, edge], _LEAST_PRIOR))
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
    mixed = trees.value[first, 0]
    if total > 0:
        mixed = (mixed + total * weighted / weight) / (1 + total)
    for edge in range(count):
        if visits[edge] == 0:
            value[edge] = mixed
    return Roots(count, visits, value, logit)


@kernel
def value_step(roots: Roots, improvement: Improvement) -> float:
    """The factor of values in a policy's logarithms; it grows with what has been visited."""
    return (improvement.visit_offset + roots.visits.max()) * improvement.value_scale


@kernel
def improved_policy(
    roots: Roots, improvement: Improvement, shares: npt.NDArray[np.float64]
) -> None:
    """Write `prior × exp(step × value)`, normalised, into `shares` (`[MAX_LEGAL]`)."""
    step = value_step(roots, improvement)
    shares[:] = -np.inf
    for edge in range(roots.edges):
        shares[edge] = roots.logit[edge] + step * roots.value[edge]
    shares[:] = np.exp(shares - shares.max())
    shares /= shares.sum()


@kernel
def begin_halving(
    halving: Halving,
    lane: int,
    roots: Roots,
    considered: int,
    simulations: int,
    explore: bool,
    stream: Stream,
) -> int:
    """Choose the actions to consider: those of the highest scores, at most one a simulation.

    Returns:
        The simulations of each tree after which `halve` is due.
    """
    for edge in range(roots.edges):
        halving.score[lane, edge] = roots.logit[edge]
        if explore:
            halving.score[lane, edge] += gumbel(stream)
    kept = min(considered, roots.edges, simulations)
    _keep_best(halving, lane, halving.score[lane], roots.edges, kept)
    halving.phases[lane] = max(int(np.ceil(np.log2(kept))), 1)
    return _phase_end(halving, lane, kept, 0, simulations)


@kernel
def halve(
    halving: Halving,
    lane: int,
    roots: Roots,
    improvement: Improvement,
    done: int,
    simulations: int,
) -> int:
    """Drop the worse half of the actions, after `done` simulations of each tree.

    Returns:
        The simulations of each tree after which the next one is due.
    """
    kept = max((halving.kept[lane].sum() + 1) // 2, 2)
    _keep_best(halving, lane, _scores(halving, lane, roots, improvement), roots.edges, kept)
    return _phase_end(halving, lane, kept, done, simulations)


@kernel
def next_root_edge(halving: Halving, lane: int, trees: Trees, tree: int) -> int:
    """Of the actions considered the one that this tree has visited least; the first of equals."""
    chosen = -1
    for edge in range(trees.edges[tree, 0]):
        visits = trees.edge_visits[tree, 0, edge]
        if halving.kept[lane, edge] and (chosen < 0 or visits < trees.edge_visits[tree, 0, chosen]):
            chosen = edge
    return chosen


@kernel
def best_kept(halving: Halving, lane: int, roots: Roots, improvement: Improvement) -> int:
    """The best edge of those still considered."""
    return int(np.argmax(_scores(halving, lane, roots, improvement)))


@kernel
def _scores(
    halving: Halving, lane: int, roots: Roots, improvement: Improvement
) -> npt.NDArray[np.float64]:
    """Perturbed logarithms of the improved policy; those of dropped actions are -inf."""
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
    left = scores.copy()
    left[count:] = -np.inf
    halving.kept[lane] = False
    for _ in range(kept):
        best = np.argmax(left)
        halving.kept[lane, best] = True
        left[best] = -np.inf


@kernel
def _phase_end(halving: Halving, lane: int, kept: int, done: int, simulations: int) -> int:
    if kept <= 2:
        return simulations
    visits = max(simulations // (halving.phases[lane] * kept), 1)
    return min(done + visits * kept, simulations)
