"""Plays a block of self-play by search: a pure function of (evaluator, settings, stream).

A block plays its rounds through a fixed number of lanes in lock-step: each step asks the evaluator
once for the waiting leaves of every lane. Batches are made of the block's own rounds alone: a row's
last bit may depend on the batch that it was in, and so a block's result depends on nothing outside
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.rules import ACTIONS, MAX_LEGAL, PLAYERS, ROUND, State, is_bidding
from blobmaster.inference.compiled import BlockEvaluator, Passes, answer, are_recorded
from blobmaster.inference.cuda_graphs import check
from blobmaster.kernels.compile import compiled_for, kernel, lean_kernel
from blobmaster.kernels.rng import uniform
from blobmaster.search.mcts import (
    Questions,
    Search,
    advance,
    ask,
    begin,
    gather,
    new_questions,
    new_search,
    root_action,
    root_choice,
    root_policy,
)
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


class _Rules(NamedTuple):
    """How the decisions of a block are searched and made."""

    temperature: npt.NDArray[np.float64]
    """`[3]`: of bids, of the first card and of the last."""
    full_share: float
    cheap_simulations: int


def play_block(
    evaluator: BlockEvaluator,
    deals: Deals,
    search: SearchSettings,
    settings: SelfPlaySettings,
    *,
    should_stop: Callable[[], bool],
    on_rounds: Callable[[int], None],
) -> Rounds | None:
    """Play `deals` to the end, each decision by a search.

    Args:
        evaluator: asked once a step; room for `lanes × search.trees` rows is enough.
        deals: the rounds to play and their random streams.
        search: of a decision.
        settings: lanes, temperatures, and the share of decisions that are searched in full.
        should_stop: looked at between two steps; when true the block is given up.
        on_rounds: told how many rounds were finished by a step.

    Returns:
        The rounds in the order of `deals`, or None if the block was abandoned.
    """
    lanes = min(settings.lanes, deals.games)
    block = new_block(deals, lanes, ends_settled=settings.end_settled)
    rules = _Rules(
        np.array([settings.bid_temperature, settings.play_temperature, settings.last_temperature]),
        settings.full_share,
        _cheap(settings, search),
    )
    searches = new_search(lanes, search)
    questions = new_questions(lanes, search)
    _begin(block, searches, rules, questions)
    step: Callable[..., None] | None = None
    go_on: Callable[..., int] | None = None
    finished = 0
    while not should_stop():
        if block.finished[0] > finished:
            on_rounds(int(block.finished[0]) - finished)
            finished = int(block.finished[0])
        if not questions.rows.any():
            return records_of(block)
        passes = evaluator.passes(int(questions.rows[0]), int(questions.rows[1]))
        if passes is None:
            priors, values = ask(evaluator, questions)
            if step is None:
                step = compiled_for(_advance, block, searches, rules, priors, values, questions)
            step(block, searches, rules, priors, values, questions)
        else:
            if go_on is None:
                go_on = compiled_for(_go_on, block, searches, rules, passes, questions)
            check(go_on(block, searches, rules, passes, questions))
    return None


def _cheap(settings: SelfPlaySettings, search: SearchSettings) -> int:
    """Simulations of each tree of a cheap search."""
    a_world = min(settings.cheap_simulations, search.simulations)
    return a_world * search.worlds // search.trees


@kernel
def _begin(block: Block, search: Search, rules: _Rules, questions: Questions) -> None:
    """Deal, begin every lane's first search, and ask what it waits for."""
    for lane in range(len(block.round_of)):
        if refill(block, lane):
            _begin_search(block, search, lane, rules)
    _gather(block, search, questions)


@kernel
def _begin_search(block: Block, search: Search, lane: int, rules: _Rules) -> None:
    """Search the lane's decision in full, with chance at the root, or cheaply without."""
    stream = block.streams[block.round_of[lane]]
    full = rules.full_share == 1.0 or uniform(stream) < rules.full_share
    simulations = search.simulations if full else rules.cheap_simulations
    begin(search, lane, block.state[lane], simulations, full, stream)


@lean_kernel
def _gather(block: Block, search: Search, questions: Questions) -> None:
    """Ask what every lane waits for."""
    questions.rows[:] = 0
    for lane in range(len(block.round_of)):
        if block.round_of[lane] != IDLE:
            gather(search, lane, questions)


@lean_kernel
def _advance(
    block: Block,
    search: Search,
    rules: _Rules,
    priors: Priors,
    values: Values,
    questions: Questions,
) -> None:
    """Take the answers, and ask what is waited for then.

    A lane whose search is done acts, and begins its next search.
    """
    for lane in range(len(block.round_of)):
        number = block.round_of[lane]
        if number == IDLE or not advance(search, lane, priors, values, block.streams[number]):
            continue
        if _act(block, search, lane, rules):
            _begin_search(block, search, lane, rules)
    _gather(block, search, questions)


@kernel
def _go_on(
    block: Block, search: Search, rules: _Rules, passes: Passes, questions: Questions
) -> int:
    """Take some steps, as far as passes are recorded for them; the driver's code."""
    for _ in range(passes.steps):
        acts, judges = questions.rows
        if acts + judges == 0 or not are_recorded(passes, acts, judges):
            break
        code = answer(passes, questions.actor[:acts], questions.critic[:judges])
        if code != 0:
            return code
        _advance(block, search, rules, passes.priors, passes.values, questions)
    return 0


@kernel
def _act(block: Block, search: Search, lane: int, rules: _Rules) -> bool:
    """Take the searched decision; whether there is another one.

    What a cheap search found is played and not learned.
    """
    shares = np.empty(MAX_LEGAL, np.float64)
    count = root_policy(search, lane, shares)
    edge = root_choice(search, lane)
    if not search.gumbel:  # whose noise has drawn already
        number = block.round_of[lane]
        temperature = _temperature(rules.temperature, block.state[lane])
        if block.greedy[number]:
            temperature = 0.0
        edge = draw_edge(shares, count, temperature, block.streams[number])
    if not search.explores[lane]:
        shares[:] = 0.0
    write_policy(block, lane, shares, count)
    return decide(block, lane, root_action(search, lane, edge))


@kernel
def _temperature(temperatures: npt.NDArray[np.float64], state: State) -> float:
    """Of a decision, by the temperatures of bids, of the first card and of the last."""
    bid, first, last = temperatures
    if is_bidding(state):
        return bid
    players = state[PLAYERS]
    share = (state[ACTIONS] - players) / max(players * state[ROUND] - 1, 1)
    return first + share * (last - first)
