"""The best response to a policy over a tiny game's whole tree.

A node's weight is the chance of its deal times that of all actions but the responder's own on the
way to it. From the last level up, the responder takes at each information set the action whose
children, with their weights, bring the most: the set's nodes share one choice, since it cannot
tell them apart, and what it did before weighs them all alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.gains import Gains
from blobmaster.evaluation.exact.tree import Indices, Level, Tree, TreePolicy

Numbers = npt.NDArray[np.float64]
NOBODY = -1


def gains(tree: Tree, policy: TreePolicy) -> Gains:
    """What each seat makes by `policy`, and by its best response to it."""
    made = _leaf_weights(tree, policy, NOBODY) @ tree.points
    best = [_best_value(tree, policy, seat) for seat in range(tree.players)]
    return Gains(made, np.array(best))


def _leaf_weights(tree: Tree, policy: TreePolicy, responder: int) -> Numbers:
    """`[leaves]`: the chance to come there, the responder's own actions taken for granted."""
    weights = np.full(tree.deals, 1 / tree.deals)
    for level, choices in zip(tree.levels, policy, strict=True):
        sets = level.set_of[level.parent]
        own = level.seat[sets] == responder
        weights = weights[level.parent] * np.where(own, 1.0, choices[sets, level.slot])
    return weights


def _best_value(tree: Tree, policy: TreePolicy, responder: int) -> float:
    """What the responder makes by its best response."""
    values = _leaf_weights(tree, policy, responder) * tree.points[:, responder]
    for level in reversed(tree.levels):
        taken = _taken(level, values, responder)
        values = _sums(level.parent, np.where(taken, values, 0.0), len(level.set_of))
    return float(values.sum())


def _taken(level: Level, values: Numbers, responder: int) -> npt.NDArray[np.bool_]:
    """`[children]`: whether a child counts: all but those that the responder passes by."""
    sets = level.set_of[level.parent]
    slots = level.slots
    sums = _sums(sets * len(slots) + level.slot, values, len(level.seat) * len(slots))
    legal = slots < level.legal[:, None]
    best = np.where(legal, sums.reshape(legal.shape), -np.inf).argmax(axis=1)
    return (level.seat[sets] != responder) | (level.slot == best[sets])


def _sums(indices: Indices, values: Numbers, count: int) -> Numbers:
    """`[count]`: the values of each index summed."""
    return np.bincount(indices, values, count).astype(np.float64, copy=False)  # stubs say int
