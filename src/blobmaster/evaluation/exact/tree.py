"""The complete tree of a tiny game, level by level.

All nodes of a level have the same number of actions since the deal, forced ones included. Two nodes
belong to one information set if the public actions before them are the same and the acting seat
holds the same cards. (Its initial hand follows from both.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.priors import Choices, priors_at
from blobmaster.evaluation.exact.tiny_game import TinyGame
from blobmaster.game.rules import (
    BIDS,
    HANDS,
    MAX_LEGAL,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    legal_actions,
    legal_count,
    new_round,
)
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.compile import kernel

Indices = npt.NDArray[np.int64]


class Level(NamedTuple):
    """The nodes of one level and the edges to the next."""

    seat: Indices
    """`[sets]`: the acting seat of each information set."""
    legal: Indices
    """`[sets]`: the number of legal actions."""
    choices: Indices
    """`[choices]`: the sets with more than one legal action."""
    states: State
    """`[choices, STATE]`: one state of each of these sets."""
    set_of: Indices
    """`[nodes]`: each node's information set."""
    parent: Indices
    """`[children]`: the parent of each child; the children are the next level's nodes."""
    slot: Indices
    """`[children]`: the index of the action that led there, in the order of `legal_actions`."""

    @property
    def slots(self) -> Indices:
        """The action indices up to the largest number of legal actions on the level."""
        return np.arange(self.legal.max())


class Tree(NamedTuple):
    """The complete tree of a tiny game."""

    players: int
    deals: int
    levels: tuple[Level, ...]
    points: npt.NDArray[np.float64]
    """`[leaves, players]`: each seat's points; the leaves are the last level's children."""


TreePolicy = list[Choices]
"""Per level `[sets, slots]`: the probability of each action at an information set."""


def grow(game: TinyGame) -> Tree:
    """Build the complete tree of a game."""
    deals = game.deals()
    dealer = game.players - 1
    nodes = np.array(
        [new_round(game.players, game.cards, game.trump, dealer, hands) for hands in deals]
    )
    # Nothing public has happened yet: all deals share one history.
    public = np.zeros(len(nodes), np.int64)
    levels = []
    # Forced actions count as well. So all leaves lie on one level, and a level is a few arrays
    # without any object per node.
    for _ in range(game.players * (1 + game.cards)):
        level, nodes, public = _grow_level(nodes, public)
        levels.append(level)
    return Tree(game.players, len(deals), tuple(levels), _points(game, nodes))


def _grow_level(nodes: State, public: Indices) -> tuple[Level, State, Indices]:
    """Return the level of these nodes, its children, and ids of the children's public history."""
    hands = nodes[np.arange(len(nodes)), HANDS + nodes[:, SEAT]]
    _, first, set_of = np.unique(_pairs(public, hands), return_index=True, return_inverse=True)
    # Any node of a set will do: what follows from it uses only what its seat knows.
    states = nodes[first]
    legal = np.empty(len(states), np.int64)
    _count_legal(states, legal)
    choices = np.flatnonzero(legal > 1)
    # Counted before, so that the children, a whole state each, are allocated once.
    count = int(legal[set_of].sum())
    children = np.empty((count, STATE), np.int64)
    parent, slot, action = np.empty((3, count), np.int64)
    _expand(nodes, children, parent, slot, action)
    level = Level(states[:, SEAT].copy(), legal, choices, states[choices], set_of, parent, slot)
    return level, children, _pairs(public[parent], action)


def _pairs(left: Indices, right: Indices) -> Indices:
    """Number the distinct pairs from 0 on; equal pairs get equal numbers."""
    # Ids are renumbered at every level, so that products of two ids cannot overflow.
    _, number = np.unique(right, return_inverse=True)
    # A two-digit number in base `number.max() + 1`: different pairs give different numbers.
    _, pair = np.unique(left * (number.max() + 1) + number, return_inverse=True)
    return pair


@kernel
def _count_legal(states: State, counts: Indices) -> None:
    for i in range(len(states)):
        counts[i] = legal_count(states[i])


@kernel
def _expand(nodes: State, children: State, parent: Indices, slot: Indices, action: Indices) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    child = 0
    for node in range(len(nodes)):
        for edge in range(legal_actions(nodes[node], legal)):
            children[child] = nodes[node]
            apply(children[child], legal[edge])
            parent[child], slot[child], action[child] = node, edge, legal[edge]
            child += 1


def _points(game: TinyGame, leaves: State) -> npt.NDArray[np.float64]:
    counts = range(game.cards + 1)
    # The scoring is a Python function of the game, so it is tabulated, not called per leaf.
    table = np.array([[game.points(bid, tricks) for tricks in counts] for bid in counts])
    bids = leaves[:, BIDS : BIDS + game.players]
    return table[bids, leaves[:, TRICKS : TRICKS + game.players]]


def uniform_policy(tree: Tree) -> TreePolicy:
    """Return the policy that is uniform over the legal actions."""
    return [(level.slots < level.legal[:, None]) / level.legal[:, None] for level in tree.levels]


def priors_of(evaluator: Evaluator, tree: Tree) -> TreePolicy:
    """Evaluate the priors at every information set with a choice."""
    # Sets with one action keep its probability of 1 from here and cost no evaluation.
    policy = uniform_policy(tree)
    for likely, level in zip(policy, tree.levels, strict=True):
        likely[level.choices] = priors_at(evaluator, level.states)[:, level.slots]
    return policy
