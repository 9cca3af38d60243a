"""Real rounds to learn from, played by searches without a network, and their decisions."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from evaluators import UniformEvaluator
from positions import legal_of

from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds, replay_out, replay_to
from blobmaster.game.rules import PLAYERS, SEAT, STATE, TRICKS
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_search import play_block
from blobmaster.selfplay.deals import assign_players, deal

MIX = RoundMix(
    players={3: 0.25, 4: 0.5, 8: 0.25}, most_cards={3: {17: 1.0}, 4: {5: 1.0}, 8: {6: 1.0}}
)


@cache
def selfplayed(rounds: int = 120, seed: int = 1) -> Rounds:
    """Rounds of many sizes, their policies those of a small search."""
    return _played(rounds, seed, MIX, SearchSettings(worlds=2, simulations=12))


@cache
def telling_rounds() -> Rounds:
    """Short rounds whose searches reach the end, so that their policies teach something."""
    mix = RoundMix.of_size(4, 2)
    return _played(300, 1, mix, SearchSettings(worlds=2, simulations=80, exploration=0.3))


@cache
def rounds_with_random_opponents() -> Rounds:
    """Rounds in which some seats play at random."""
    return _played(40, 1, MIX, SearchSettings(worlds=1, simulations=8), opponent_rounds=0.5)


@cache
def greedy_rounds() -> Rounds:
    """Rounds of which about half are greedy."""
    return _played(40, 1, MIX, SearchSettings(worlds=1, simulations=8), greedy_rounds=0.5)


def _played(
    rounds: int,
    seed: int,
    mix: RoundMix,
    search: SearchSettings,
    opponent_rounds: float = 0.0,
    greedy_rounds: float = 0.0,
) -> Rounds:
    draws = generator(seed, "rounds to learn from")
    settings = SelfPlaySettings(
        lanes=32,
        opponent_rounds=opponent_rounds,
        opponent_styles=0.0,
        greedy_rounds=greedy_rounds,
    )
    found = play_block(
        UniformEvaluator(),
        assign_players(deal(mix, rounds, draws), settings, draws),
        search,
        settings,
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    assert found is not None
    return found


class Decision(NamedTuple):
    """One real choice of a record."""

    state: np.ndarray
    shares: dict[int, float]  # the policy by action, not yet sharpened
    tricks: list[int]  # of each relative seat, at the round's end


def decisions_of(rounds: Rounds) -> list[Decision]:
    """Every decision, oldest first."""
    found = []
    for record, decisions in zip(rounds, rounds.decisions, strict=True):
        entries = record.astype(np.int64)
        end = np.empty(STATE, np.int64)
        replay_out(entries, end)
        for decision in range(decisions):
            state = np.empty(STATE, np.int64)
            offset = replay_to(entries, decision, state)
            legal = legal_of(state)
            policy = entries[offset : offset + len(legal)]
            shares = dict(zip(legal, (policy / max(policy.sum(), 1)).tolist(), strict=True))
            players, me = int(state[PLAYERS]), int(state[SEAT])
            tricks = [int(end[TRICKS + (me + n) % players]) for n in range(players)]
            found.append(Decision(state, shares, tricks))
    return found
