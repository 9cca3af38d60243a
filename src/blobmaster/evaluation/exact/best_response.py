"""Best responses to a policy, computed over the whole tree of a tiny game.

A node's counterfactual weight is the probability of its deal times that of all actions on the way
to it except the responder's own. From the last level up, the responder takes at each information
set the action with the highest weighted value of its children. All nodes of the set share this
choice, as the responder cannot tell them apart. Its own earlier actions can be left out, because
with perfect recall they weigh all nodes of the set equally.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.gains import Gains
from blobmaster.evaluation.exact.tree import Indices, Level, Tree, TreePolicy

Numbers = npt.NDArray[np.float64]
NOBODY = -1


def gains(tree: Tree, policy: TreePolicy) -> Gains:
    """Compute each seat's value under `policy` and under its best response to it."""
    made = _leaf_weights(tree, policy, NOBODY) @ tree.points
    best = [_best_value(tree, policy, seat) for seat in range(tree.players)]
    return Gains(made, np.array(best))


def _leaf_weights(tree: Tree, policy: TreePolicy, responder: int) -> Numbers:
    """Return the counterfactual weights `[leaves]`: the responder's own actions count as 1."""
    weights = np.full(tree.deals, 1 / tree.deals)
    for level, choices in zip(tree.levels, policy, strict=True):
        sets = level.set_of[level.parent]
        own = level.seat[sets] == responder
        weights = weights[level.parent] * np.where(own, 1.0, choices[sets, level.slot])
    return weights


def _best_value(tree: Tree, policy: TreePolicy, responder: int) -> float:
    """Return the value of the responder's best response."""
    values = _leaf_weights(tree, policy, responder) * tree.points[:, responder]
    for level in reversed(tree.levels):
        taken = _taken(level, values, responder)
        values = _sums(level.parent, np.where(taken, values, 0.0), len(level.set_of))
    return float(values.sum())


def _taken(level: Level, values: Numbers, responder: int) -> npt.NDArray[np.bool_]:
    """Return `[children]`: False for the actions that the responder does not take."""
    sets = level.set_of[level.parent]
    slots = level.slots
    # Sum over the nodes of each set first, then take the best action per set: choosing per node
    # would let the responder see the hidden cards.
    sums = _sums(sets * len(slots) + level.slot, values, len(level.seat) * len(slots))
    legal = slots < level.legal[:, None]
    best = np.where(legal, sums.reshape(legal.shape), -np.inf).argmax(axis=1)
    return (level.seat[sets] != responder) | (level.slot == best[sets])


def _sums(indices: Indices, values: Numbers, count: int) -> Numbers:
    """Return `[count]`: the sum of the values at each index."""
    return np.bincount(indices, values, count).astype(np.float64, copy=False)  # stubs say int
