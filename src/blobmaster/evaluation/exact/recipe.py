"""The policy improvement of self-play, carried out in tables on a tiny game.

Lookahead self-play multiplies the policy by `exp(step × value)`, with the values of a critic that
sees all hands, and the network learns the mean of these targets over deals, or the mean of their
logarithms (`learning.mean_log_from`). Here the critic is exact, and a table holds the policy of
each information set: what is left is the error of the recipe itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.tree import Level, Tree, TreePolicy, uniform_policy

Numbers = npt.NDArray[np.float64]

SMALLEST = 1e-12
"""Probabilities below it count as it in logarithms."""


def train(
    tree: Tree,
    iterations: int,
    *,
    step: float,
    explore: float,
    rate: float,
    mean_log: bool,
    on_iteration: Callable[[], object] = lambda: None,
) -> TreePolicy:
    """Improve the uniform policy and return the result.

    Args:
        tree: of the game; its points over the most that a seat can make are the values.
        iterations: improvements of all information sets at once.
        step: see `self_play.policy_step`.
        explore: see `self_play.explore`; the share of uniform play in what the seats do.
        rate: share of a new target that enters the policy. A window of n iterations learns with a
            rate of about 1 / n.
        mean_log: the policy follows the mean logarithm of the targets, not their mean.
        on_iteration: called after every iteration.
    """
    policy = uniform_policy(tree)
    for _ in range(iterations):
        targets = improved(tree, policy, step=step, explore=explore, mean_log=mean_log)
        policy = [(1 - rate) * old + rate * new for old, new in zip(policy, targets, strict=True)]
        on_iteration()
    return policy


def improved(
    tree: Tree, policy: TreePolicy, *, step: float, explore: float, mean_log: bool
) -> TreePolicy:
    """Return the target of every information set, averaged over its nodes; see `train`."""
    uniform = uniform_policy(tree)
    played = [
        (1 - explore) * own + explore * even for own, even in zip(policy, uniform, strict=True)
    ]
    targets = []
    for number, (weights, values) in enumerate(_from_the_last(tree, played)):
        level = tree.levels[-1 - number]
        targets.append(_target(level, policy[-1 - number], weights, step * values, mean_log))
    return targets[::-1]


def _from_the_last(tree: Tree, played: TreePolicy) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield, from the last level on, the nodes' reach and the acting seats' values of the children.

    The reach is a node's probability, `[nodes]`. Within an information set it is in proportion to
    the counterfactual one, because the seat's own actions are the same for all nodes.
    """
    reach = [np.full(tree.deals, 1 / tree.deals)]
    for level, choices in zip(tree.levels, played, strict=True):
        sets = level.set_of[level.parent]
        reach.append(reach[-1][level.parent] * choices[sets, level.slot])
    values = tree.points / tree.points.max()
    for number in reversed(range(len(tree.levels))):
        level, choices = tree.levels[number], played[number]
        sets = level.set_of[level.parent]
        yield reach[number], values[np.arange(len(values)), level.seat[sets]]
        weighted = values * choices[sets, level.slot][:, None]
        values = np.stack(
            [
                np.bincount(level.parent, weighted[:, seat], len(level.set_of))
                for seat in range(tree.players)
            ],
            axis=1,
        )


def _target(
    level: Level, policy: Numbers, weights: Numbers, gains: Numbers, mean_log: bool
) -> Numbers:
    """Return the averaged target of a level's information sets, `[sets, slots]`.

    Args:
        level: the level.
        policy: `[sets, slots]`: the policy before.
        weights: `[nodes]`: the nodes' reach.
        gains: `[children]`: step × value for the acting seat.
        mean_log: average the logarithms.
    """
    sets, slots = level.set_of[level.parent], len(level.slots)
    edge = sets * slots + level.slot
    weights = np.maximum(weights, SMALLEST)
    own = np.maximum(policy[sets, level.slot], SMALLEST)
    exponent = np.log(own) + gains
    # The largest exponent of a node is subtracted, so that no exponential overflows. A node's
    # children stand in a row.
    most = np.maximum.reduceat(exponent, np.searchsorted(level.parent, np.arange(len(weights))))
    raised = np.exp(exponent - most[level.parent])
    target = raised / np.bincount(level.parent, raised, len(level.set_of))[level.parent]
    at_child = weights[level.parent]
    if mean_log:
        total = np.bincount(level.set_of, weights, len(level.legal))
        logs = np.bincount(edge, at_child * gains, len(policy) * slots).reshape(policy.shape)
        scores = np.log(np.maximum(policy, SMALLEST)) + logs / total[:, None]
        scores = np.where(level.slots < level.legal[:, None], scores, -np.inf)
        summed = np.exp(scores - scores.max(axis=1, keepdims=True))
    else:
        summed = np.bincount(edge, at_child * target, len(policy) * slots).reshape(policy.shape)
    share: Numbers = summed / summed.sum(axis=1, keepdims=True)
    return share
