"""Deals, small networks and duplicate matches, for tests of players and evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from positions import RandomRound

from blobmaster.agents.base import Agent
from blobmaster.agents.network import NetworkAgent
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.evaluation.arena import Results, play_deals
from blobmaster.game.rules import SEAT, STATE, State, apply, is_over, play_forced
from blobmaster.kernels.rng import generator, stream
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.deals import Deals, deal

CPU = torch.device("cpu")


def deals_of(players: int, cards: int, count: int, seed: int = 0) -> Deals:
    """Deal `count` rounds of one size."""
    mix = RoundMix.of_size(players, cards)
    return deal(mix, count, generator(seed, "test"))


def small_network(seed: int, *, sees_games: bool = False) -> BlobNetwork:
    """Make a tiny untrained network, which is fast."""
    return new_network(NetworkSettings(width=32, blocks=1), seed, sees_games=sees_games)


def small_network_player(seed: int, capacity: int) -> NetworkAgent:
    """Make an agent that plays the prior of such a network."""
    return NetworkAgent(small_network(seed).parts, capacity, CPU)


def ends_of_rounds(agents: Sequence[Agent], cards: int, count: int) -> State:
    """Return `[count, STATE]`: the ends of rounds with these agents at the seats."""
    ends = np.zeros((count, STATE), np.int64)
    for number in range(count):
        state = RandomRound(number, len(agents), cards).states[0].copy()
        play_forced(state)
        while not is_over(state):
            draws = stream(number, "seats")[None]
            apply(state, int(agents[int(state[SEAT])].choose(state[None], draws)[0]))
            play_forced(state)
        ends[number] = state
    return ends


def play(agents, lineup, deals: Deals) -> Results:
    """Play all deals with the same lineup."""
    lineups = np.tile(np.array(lineup, np.int64), (len(deals), 1))
    results = play_deals(agents, lineups, deals, should_stop=lambda: False, on_deals=[].append)
    assert results is not None
    return results
