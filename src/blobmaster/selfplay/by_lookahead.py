"""Plays a block by the actor's policy, and improves that policy by the critic's look ahead.

Each decision is drawn from the actor's priors: no choice knows a hidden card. Its policy to be
learned is the priors moved towards the actions that the critic, which sees the dealt hands, thinks
best: `prior × exp(policy_step × value)`, a step of mirror descent (Tomar et al. 2020). A deal is a
fair draw from the worlds that a seat must hold for possible, of what others' bids and plays tell
included, so what is learned over many deals is what is best without seeing them.

The value of an action is the acting seat's expected points of the round, as a share of the most it
could make; in games, of the share of the win (see `blobmaster.selfplay.win_values`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.rules import MAX_LEGAL, SEAT, State, legal_actions, legal_count
from blobmaster.inference.compiled import Passes, answer, are_recorded
from blobmaster.inference.cuda_graphs import check
from blobmaster.kernels.compile import kernel
from blobmaster.search.tree import Priors, Values
from blobmaster.selfplay.deals import Deals
from blobmaster.selfplay.lanes import (
    IDLE,
    Block,
    decide,
    draw_edge,
    new_block,
    records_of,
    refill,
    write_policy,
)
from blobmaster.selfplay.successors import EXACT, Choices, children_of, gather, new_choices
from blobmaster.selfplay.win_values import lay_ends, new_ends, weigh_wins

Bids = npt.NDArray[np.int64]


class ActorCritic(Protocol):
    """What is asked of a network; `NetworkEvaluator` says the shapes."""

    def priors(self, states: State) -> Priors:
        """The actor's, of the acting seat's view."""
        ...

    def answer(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """The same of `acting`, and the critic's values of `judged`, where all hands are known."""
        ...

    def passes(self, acts: int, judges: int) -> Passes | None:
        """What compiled code asks for so many priors and values, or None if there is no such."""
        ...

    def chances(self, states: State) -> tuple[Bids, Values]:
        """The critic's, of every seat's bid and how likely it is to be exact."""
        ...

    def standings(self, states: State) -> Values:
        """Shares of the win between two rounds."""
        ...


def play_block(
    network: ActorCritic,
    deals: Deals,
    settings: SelfPlaySettings,
    *,
    should_stop: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end; a pure function of its arguments.

    Args:
        network: asked twice a step, with room for `children_of(deals, lanes)` rows.
        deals: the rounds to play and their random streams.
        settings: lanes, exploration and the step of improvement.
        should_stop: looked at between two steps; when true the block is given up.
        on_rounds: told how many rounds were finished by a step.

    Returns:
        The rounds in the order of `deals`, or None if the block was abandoned.
    """
    lanes = min(settings.lanes, deals.games)
    block = new_block(deals, lanes, ends_settled=settings.end_settled)
    choices = new_choices(children_of(deals, lanes), lanes)
    ends = None if deals.lengths is None else new_ends(deals, lanes)
    _begin(block)
    finished = 0
    while not should_stop():
        count, children = gather(block, choices)
        if block.finished[0] > finished:
            on_rounds(int(block.finished[0]) - finished)
            finished = int(block.finished[0])
        if count == 0:
            return records_of(block)
        acting, judged = choices.rows[:count], choices.children[:children]
        if ends is None:
            passes = network.passes(count, children)
            if passes is not None:
                check(_go_on(block, choices, passes, settings.policy_step, settings.explore))
                continue
            priors, values = network.answer(acting, judged)
            _weigh_points(block, choices, values)
        else:
            priors = network.priors(acting)
            laid = lay_ends(block, choices, ends, *network.chances(judged))
            weigh_wins(block, choices, ends, network.standings(ends.states[:laid]))
        _decide_all(block, choices, priors, settings.policy_step, settings.explore)
    return None


@kernel
def _go_on(
    block: Block, choices: Choices, passes: Passes, policy_step: float, explore: float
) -> int:
    """Take some steps, as far as passes are recorded for them; the driver's code."""
    for _ in range(passes.steps):
        count, children = gather(block, choices)
        if count == 0 or not are_recorded(passes, count, children):
            break
        code = answer(passes, choices.rows[:count], choices.children[:children])
        if code != 0:
            return code
        _weigh_points(block, choices, passes.values)
        _decide_all(block, choices, passes.priors, policy_step, explore)
    return 0


@kernel
def _begin(block: Block) -> None:
    for lane in range(len(block.round_of)):
        refill(block, lane)


@kernel
def _weigh_points(block: Block, choices: Choices, values: Values) -> None:
    """Write the value of every child whose round is not over."""
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        for edge in range(legal_count(state)):
            child = choices.row[lane, edge]
            if child != EXACT:
                choices.value[lane, edge] = values[child, state[SEAT]]


@kernel
def _decide_all(
    block: Block,
    choices: Choices,
    priors: Priors,
    policy_step: float,
    explore: float,
) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    shares = np.empty(MAX_LEGAL, np.float64)
    row = 0
    for lane in range(len(block.round_of)):
        if block.round_of[lane] == IDLE:
            continue
        state = block.state[lane]
        count = legal_actions(state, legal)
        _improve(priors[row], choices.value[lane], count, policy_step, shares)
        write_policy(block, lane, shares, count)
        number = block.round_of[lane]
        for edge in range(count):
            shares[edge] = (1.0 - explore) * priors[row, edge] + explore / count
        temperature = 0.0 if block.greedy[number] else 1.0
        edge = draw_edge(shares, count, temperature, block.streams[number])
        decide(block, lane, legal[edge])
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
