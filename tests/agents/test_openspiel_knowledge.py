"""OpenSpiel's ISMCTS at `oh_hell` knows which cards were not dealt; ours does not."""

from __future__ import annotations

import numpy as np
import pyspiel
import pytest
from dealing import deals_of, play

from blobmaster.agents.ismcts import IsmctsAgent, PeekingAgent
from blobmaster.game.cards import NO_TRUMP
from blobmaster.selfplay.deals import Deals

GAME = {"players": 4, "off_bid_penalty": True, "points_per_trick": 1}
CARDS = 5


def dealt(rng: np.random.Generator) -> pyspiel.State:
    """Deal a round of 4 × 5 cards."""
    state = pyspiel.load_game("oh_hell", GAME).new_initial_state()
    state.apply_action(CARDS)
    while state.is_chance_node():
        actions, chances = zip(*state.chance_outcomes(), strict=True)
        state.apply_action(int(rng.choice(actions, p=chances)))
    return state


def hands(state: pyspiel.State) -> list[set[int]]:
    actions = [step.action for step in state.full_history()]
    return [set(actions[2 + seat : 2 + 4 * CARDS : 4]) for seat in range(4)]


def test_openspiels_worlds_hold_exactly_the_cards_that_were_dealt():
    rng = np.random.default_rng(0)
    for _ in range(50):
        state = dealt(rng)
        seat = state.current_player()
        world = state.resample_from_infostate(seat, pyspiel.UniformProbabilitySampler(0.0, 1.0))
        assert hands(world)[seat] == hands(state)[seat]
        assert set().union(*hands(world)) == set().union(*hands(state))


def openspiel_points(rounds: int) -> np.ndarray:
    """Return `[rounds]`: the mean Blob points of OpenSpiel's C++ bots in a round."""
    rng = np.random.default_rng(1)
    made = np.empty((rounds, 4))
    for number in range(rounds):
        state = dealt(rng)
        bots = [openspiel_bot(rng) for _ in range(4)]
        while not state.is_terminal():
            state.apply_action(bots[state.current_player()].step(state))
        made[number] = np.maximum(state.returns(), 0)
    return made.mean(axis=1)


def openspiel_bot(rng: np.random.Generator) -> pyspiel.ISMCTSBot:
    first, second = rng.integers(0, 2**31, 2)
    evaluator = pyspiel.RandomRolloutEvaluator(1, int(first))
    most_visited = pyspiel.ISMCTSFinalPolicyType.MAX_VISIT_COUNT
    return pyspiel.ISMCTSBot(int(second), evaluator, 10.0, 100, -1, most_visited, False, False)


def with_trump(deals: Deals) -> np.ndarray:
    return deals.plan[:, 2] != NO_TRUMP


@pytest.mark.long
def test_a_peeking_player_is_as_strong_as_openspiels_bot_and_an_honest_one_is_not():
    theirs = openspiel_points(400)
    deals = deals_of(4, CARDS, 1000)
    for agent, is_alike in ((PeekingAgent(IsmctsAgent(100)), True), (IsmctsAgent(100), False)):
        made = play([agent], [0] * 4, deals).points[with_trump(deals), 0].mean(axis=1)
        apart = made.mean() - theirs.mean()
        error = np.hypot(made.std() / np.sqrt(len(made)), theirs.std() / np.sqrt(len(theirs)))
        assert (abs(apart) < 4 * error) == is_alike
