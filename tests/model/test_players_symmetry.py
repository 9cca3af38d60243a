"""A player's choices do not depend on the names of suits and the numbers of seats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from positions import RandomRound
from situations import SUIT_ORDERS, rename_suits, rotate_seats

from blobmaster.agents.heuristic import HeuristicAgent
from blobmaster.agents.network import NetworkAgent
from blobmaster.agents.styles import StyleAgent
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.evaluation.arena import play_deals
from blobmaster.game.rules import FIRST_BID, SEAT
from blobmaster.game.styles import STYLES
from blobmaster.kernels.rng import generator
from blobmaster.model.features import canonical_slots
from blobmaster.model.network import new_network
from blobmaster.selfplay.deals import Deals, deal

CPU = torch.device("cpu")
RULE_PLAYERS = [style.name for style in STYLES if style.careless == 0]
"""Careless choices are drawn from the legal actions in their order, which names the suits."""

SIZES = [(3, 9), (4, 5), (5, 7), (8, 3)]


def network_agent(seed: int, capacity: int) -> NetworkAgent:
    network = new_network(NetworkSettings(width=32, blocks=1), seed)
    return NetworkAgent(network.parts, capacity, CPU)


def choices() -> np.ndarray:
    return np.concatenate(
        [RandomRound(seed, *size).choices for size in SIZES for seed in range(12)]
    )


def in_canonical_suits(state: np.ndarray, action: int) -> int:
    """Return the action as the acting seat sees it."""
    if action >= FIRST_BID:
        return action
    slots = np.empty(4, np.int64)
    canonical_slots(state, state[SEAT], slots)
    return int(13 * slots[action // 13] + action % 13)


def canonical_choices(agent, states: np.ndarray) -> list[int]:
    chosen = agent.choose(states, np.zeros((len(states), 1), np.uint64))
    return [in_canonical_suits(s, int(a)) for s, a in zip(states, chosen, strict=True)]


def agents(capacity: int):
    return {name: StyleAgent(name) for name in RULE_PLAYERS} | {
        "network": network_agent(1, capacity)
    }


@pytest.mark.parametrize("name", [*RULE_PLAYERS, "network"])
def test_no_choice_depends_on_the_names_of_suits(name):
    states = choices()
    agent = agents(len(states))[name]
    before = canonical_choices(agent, states)
    for order in SUIT_ORDERS[1::5]:
        renamed = np.array([rename_suits(state, order) for state in states])
        assert canonical_choices(agent, renamed) == before


@pytest.mark.parametrize("name", [*RULE_PLAYERS, "network"])
def test_no_choice_depends_on_the_numbers_of_seats(name):
    states = choices()
    agent = agents(len(states))[name]
    before = canonical_choices(agent, states)
    for by in (1, 2):
        rotated = np.array([rotate_seats(state, by) for state in states])
        assert canonical_choices(agent, rotated) == before


def renamed_deals(deals: Deals, order: tuple[int, ...]) -> Deals:
    plan = deals.plan.copy()
    plan[:, 2] = np.array([*order, 4])[plan[:, 2]]
    suits, ranks = np.divmod(deals.deck, 13)
    return replace(deals, plan=plan, deck=13 * np.array(order)[suits] + ranks)


@pytest.mark.parametrize("other", ["heuristic", "network"])
def test_a_networks_results_do_not_depend_on_the_names_of_suits(other):
    mix = RoundMix.of_size(4, 7)
    deals = deal(mix, 200, generator(0, "symmetry"))
    opponent = {"heuristic": HeuristicAgent(), "network": network_agent(2, 800)}[other]
    lineups = np.tile([0, 1, 1, 1], (200, 1))
    results = [
        play_deals(
            [network_agent(1, 800), opponent],
            lineups,
            some,
            should_stop=lambda: False,
            on_deals=[].append,
        )
        for some in (deals, renamed_deals(deals, (2, 0, 3, 1)))
    ]
    same = (results[0].points == results[1].points).all(axis=(1, 2))
    # If a seat knows the same of two suits, it may choose either; to other seats they differ.
    assert same.mean() > 0.9
