"""A frozen network at the opponents' seats: it acts there greedily, and nothing is learned."""

from __future__ import annotations

import numpy as np
import pytest
from dealing import CPU, small_network
from playing import decisions_of
from positions import legal_of

from blobmaster.config.compose import compose
from blobmaster.config.presets import EXPLOIT
from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import is_network_opponents_turn
from blobmaster.game.records import Rounds, join
from blobmaster.game.rules import OPPONENTS, PLAYERS, SEAT
from blobmaster.inference.evaluator import NetworkEvaluator, use_one_thread
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool

CONFIG = compose(
    EXPLOIT,
    {
        "rounds": {"players": {3: 0.5, 4: 0.5}, "most_cards": {3: {4: 1.0}, 4: {3: 1.0}}},
        "self_play": {
            "exploited": "copies.pth",
            "rounds_per_block": 20,
            "lanes": 8,
            "explore": 0.0,
        },
    },
)


def play(*, games: bool, workers: int = 1) -> Rounds:
    """Play two blocks of an exploiter with seed 1 against copies of the network of seed 2."""
    learner, frozen = (small_network(seed, sees_games=games) for seed in (1, 2))
    engine = SelfPlayEngine(
        LocalPool(workers, prepare=use_one_thread),
        CONFIG.rounds,
        CONFIG.self_play,
        5,
        CPU,
        whole_games=games,
        frozen=frozen,
    )
    blocks = dict(
        engine.play(
            0, learner, SearchSettings(), 40, range(2),
            should_stop=lambda: False, on_rounds=lambda _: None,
        )
    )  # fmt: skip
    return join(blocks[block] for block in sorted(blocks))


def test_copies_hold_all_seats_but_one_and_act_by_the_frozen_networks_first_choice():
    rounds = play(games=False)
    frozen = NetworkEvaluator(small_network(2).parts, 1, CPU)
    seen = {True: 0, False: 0}
    for state, policy, action in decisions_of(rounds):
        seats = int(state[OPPONENTS]) & (1 << MAX_PLAYERS) - 1
        assert seats.bit_count() == state[PLAYERS] - 1
        is_copy = bool(seats >> int(state[SEAT]) & 1)
        assert bool(is_network_opponents_turn(state[None])[0]) == is_copy
        assert policy.any() != is_copy
        seen[is_copy] += 1
        if is_copy:
            legal = legal_of(state)
            priors = frozen.priors(state[None])[0, : len(legal)]
            assert action == legal[int(np.argmax(priors))]
    assert min(seen.values()) > 30


@pytest.mark.parametrize("games", [False, True])
def test_blocks_do_not_depend_on_the_number_of_workers(games):
    assert play(games=games, workers=2).to_bytes() == play(games=games).to_bytes()


def test_the_frozen_weights_are_part_of_what_a_block_follows_from():
    pool = LocalPool(1, prepare=use_one_thread)
    learner, frozen = small_network(1), small_network(2)
    with_copies, without = (
        SelfPlayEngine(pool, CONFIG.rounds, CONFIG.self_play, 5, CPU, frozen=network)
        for network in (frozen, None)
    )
    names = set(with_copies.weights(learner)) - set(without.weights(learner))
    assert names == {f"frozen.{name}" for name in frozen.state_dict()}
