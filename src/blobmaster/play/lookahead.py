"""Plays a block by the actor's policy, and improves that policy by the critic's look ahead.

Each decision is drawn from the actor's priors: no choice knows a hidden card. Its policy to be
learned is the priors moved towards the actions that the critic, which sees the dealt hands, thinks
best: `prior × exp(policy_step × value)`, a step of mirror descent (Tomar et al. 2020). A deal is a
fair draw from the worlds that a seat must hold for possible, of what others' bids and plays tell
included, so what is learned over many deals is what is best without seeing them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from blobmaster.game.records import Rounds
from blobmaster.game.rules import (
    EXACT_BONUS,
    MAX_LEGAL,
    ROUND,
    SEAT,
    STATE,
    State,
    apply,
    is_over,
    legal_actions,
    play_forced,
    points,
)
from blobmaster.kernels import kernel
from blobmaster.play.deals import Deals
from blobmaster.play.settings import SelfPlaySettings
from blobmaster.play.slots import (
    IDLE,
    Block,
    decide,
    draw_edge,
    new_block,
    records_of,
    refill,
    write_policy,
)
from blobmaster.search.tree import Priors, Values

EXACT = -1
"""The row of a child whose round is over: its value needs no evaluation."""


class ActorCritic(Protocol):
    """What is asked of a network; `NetworkEvaluator` says the shapes."""

    def priors(self, states: State) -> Priors:
        """The actor's, of the acting seat's view."""
        ...

    def values(self, states: State) -> Values:
        """The critic's, of positions in which all hands are known."""
        ...


class _Choices(NamedTuple):
    """The decisions that a block waits for: one a slot, with every child of each."""

    rows: State
    """`[S, STATE]`: the states to decide in, those of idle slots left out."""
    children: State
    """`[S * edges, STATE]`: what each legal action leads to, where it needs an evaluation."""
    row: npt.NDArray[np.int64]
    """`[S, MAX_LEGAL]`: where a child stands in `children`, or `EXACT`."""
    value: npt.NDArray[np.float64]
    """`[S, MAX_LEGAL]`: the acting seat's value of a child that is `EXACT`."""


def play_block(
    network: ActorCritic,
    deals: Deals,
    settings: SelfPlaySettings,
    *,
    abandon: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end; a pure function of its arguments.

    Args:
        network: asked twice a step, with room for `children_of(deals, slots)` rows.
        deals: the rounds to play and their random streams.
        settings: slots, exploration and the step of improvement.
        abandon: looked at between two steps; when true the block is given up.
        on_rounds: told how many rounds were finished by a step.

    Returns:
        The rounds in the order of `deals`, or None if the block was abandoned.
    """
    slots = min(settings.slots, len(deals))
    block = new_block(deals, slots, ends_settled=settings.end_settled)
    choices = _Choices(
        rows=np.zeros((slots, STATE), np.int64),
        children=np.zeros((children_of(deals, slots), STATE), np.int64),
        row=np.full((slots, MAX_LEGAL), EXACT, np.int64),
        value=np.zeros((slots, MAX_LEGAL)),
    )
    _begin(block)
    finished = 0
    while not abandon():
        count, children = _look_ahead(block, choices)
        if block.finished[0] > finished:
            on_rounds(int(block.finished[0]) - finished)
            finished = int(block.finished[0])
        if count == 0:
            return records_of(block)
        priors = network.priors(choices.rows[:count])
        values = network.values(choices.children[:children])
        _decide_all(block, choices, priors, values, settings.policy_step, settings.explore)
    return None


def children_of(deals: Deals, slots: int) -> int:
    """The most children that the decisions of so many slots can have: a bid more than cards."""
    return slots * (int(deals.plan[:, 1].max()) + 1)


@kernel
def _begin(block: Block) -> None:
    for slot in range(len(block.round_of)):
        refill(block, slot)


@kernel
def _look_ahead(block: Block, choices: _Choices) -> tuple[int, int]:
    """Gather the waiting decisions and their children; return how many there are of each."""
    count = children = 0
    legal = np.empty(MAX_LEGAL, np.int64)
    for slot in range(len(block.round_of)):
        if block.round_of[slot] == IDLE:
            continue
        state = block.state[slot]
        choices.rows[count] = state
        count += 1
        for edge in range(legal_actions(state, legal)):
            child = choices.children[children]
            child[:] = state
            apply(child, legal[edge])
            play_forced(child)
            if is_over(child):
                worth = points(child, state[SEAT]) / (EXACT_BONUS + state[ROUND])
                choices.value[slot, edge] = worth
                choices.row[slot, edge] = EXACT
            else:
                choices.row[slot, edge] = children
                children += 1
    return count, children


@kernel
def _decide_all(
    block: Block,
    choices: _Choices,
    priors: Priors,
    values: Values,
    policy_step: float,
    explore: float,
) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    shares = np.empty(MAX_LEGAL, np.float64)
    row = 0
    for slot in range(len(block.round_of)):
        if block.round_of[slot] == IDLE:
            continue
        state = block.state[slot]
        count = legal_actions(state, legal)
        for edge in range(count):
            child = choices.row[slot, edge]
            if child != EXACT:
                choices.value[slot, edge] = values[child, state[SEAT]]
        _improve(priors[row], choices.value[slot], count, policy_step, shares)
        write_policy(block, slot, shares, count)
        for edge in range(count):
            shares[edge] = (1.0 - explore) * priors[row, edge] + explore / count
        edge = draw_edge(shares, count, 1.0, block.streams[block.round_of[slot]])
        decide(block, slot, legal[edge])
        row += 1


@kernel
def _improve(
    prior: npt.NDArray[np.float32],
    value: npt.NDArray[np.float64],
    count: int,
    policy_step: float,
    shares: npt.NDArray[np.float64],
) -> None:
    """Write `prior × exp(policy_step × value)`, normalised, into `shares`."""
    best = value[:count].max()
    total = 0.0
    for edge in range(count):
        shares[edge] = prior[edge] * np.exp(policy_step * (value[edge] - best))
        total += shares[edge]
    for edge in range(count):
        shares[edge] /= total
