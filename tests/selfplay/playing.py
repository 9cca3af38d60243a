"""Blocks of self-play for tests, and their records read back."""

from __future__ import annotations

import numpy as np
from evaluators import UniformEvaluator
from positions import legal_of

from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.opponents import KIND_BYTES
from blobmaster.game.records import STYLED, WIDE_KINDS, Rounds, replay_to
from blobmaster.game.rules import ACTIONS, STATE
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.by_search import play_block
from blobmaster.selfplay.deals import Deals, deal

SEARCH = SearchSettings(worlds=2, simulations=6)
WIDE = RoundMix(
    players={3: 0.25, 4: 0.25, 5: 0.25, 8: 0.25},
    most_cards={3: {17: 1.0}, 4: {3: 1.0}, 5: {4: 1.0}, 8: {6: 1.0}},
)
SHORT = RoundMix.of_size(3, 2)


def never() -> bool:
    return False


def ignore(rounds: int) -> None:
    pass


def some_deals(rounds: int, mix: RoundMix = WIDE) -> Deals:
    return deal(mix, rounds, generator(5, "test block"))


def play(deals: Deals, search: SearchSettings = SEARCH, **settings: float) -> Rounds:
    chosen = SelfPlaySettings(**({"lanes": 5} | settings))
    rounds = play_block(
        UniformEvaluator(), deals, search, chosen, should_stop=never, on_rounds=ignore
    )
    assert rounds is not None
    return rounds


def decisions_of(rounds: Rounds):
    """Yield each decision: its state, its policy's bytes, and the action taken."""
    for record, decisions in zip(rounds, rounds.decisions, strict=True):
        entries = record.astype(np.int64)
        kinds = KIND_BYTES if entries[0] & STYLED else 0
        first_action = 5 + kinds + entries[0] % STYLED * (entries[1] % WIDE_KINDS)
        for decision in range(decisions):
            state = np.empty(STATE, np.int64)
            offset = replay_to(entries, decision, state)
            policy = entries[offset : offset + len(legal_of(state))]
            yield state, policy, int(entries[first_action + state[ACTIONS]])
