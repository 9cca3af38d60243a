"""Learning from full games: the standing in a batch, and the loss of the win shares."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from blobmaster.config.learning import LearningSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds, replay_to, winners_of
from blobmaster.game.rules import PLAYERS, ROUNDS_LEFT, SCORES, SEAT, STATE
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.rng import generator
from blobmaster.model.features import WHOLE_FEATURES
from blobmaster.model.game_features import (
    GAME_FEATURES,
    encode_game,
)
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.by_lookahead import play_block
from blobmaster.selfplay.deals import assign_players, deal_games
from blobmaster.selfplay.successors import max_children
from blobmaster.training.learner import Learner
from blobmaster.training.losses import losses
from blobmaster.training.replay_buffer import Batch, ReplayWindow, new_batch

CPU = torch.device("cpu")
MIX = RoundMix(players={3: 0.5, 4: 0.5}, most_cards={3: {3: 1.0}, 4: {2: 1.0}})


def small_network(seed: int = 1) -> BlobNetwork:
    return new_network(NetworkSettings(width=32, blocks=1), seed, sees_games=True)


@cache
def games_played(count: int = 40) -> Rounds:
    """Return games played by an untrained network."""
    draws = generator(1, "games to learn from")
    settings = SelfPlaySettings(opponent_rounds=0.5)
    deals = assign_players(deal_games(MIX, count, draws), settings, draws)
    evaluator = NetworkEvaluator(small_network().eval().parts, max_children(deals, count), CPU)
    found = play_block(
        evaluator, deals, settings, should_stop=lambda: False, on_rounds=lambda _: None
    )
    assert found is not None
    return found


def drawn(size: int) -> tuple[Batch, np.ndarray]:
    """Return a batch and the numbers of its decisions in the window."""
    window = ReplayWindow(10**6)
    window.add(games_played())
    batch = new_batch(size, of_games=True)
    chosen = window.order(generator(5, "order"), size, window.decisions)
    window.read(chosen, 1.0, batch)
    return batch, chosen


def test_a_batch_has_the_standing_and_the_winners_of_its_games():
    batch, chosen = drawn(200)
    rounds = games_played()
    ends = np.cumsum(rounds.decisions)
    for row, number in enumerate(chosen):
        index = int(np.searchsorted(ends, number, side="right"))
        record = [*rounds][index].astype(np.int64)
        state = np.empty(STATE, np.int64)
        replay_to(record, int(number - (ends[index] - rounds.decisions[index])), state)
        players, me = int(state[PLAYERS]), int(state[SEAT])
        game = np.empty(GAME_FEATURES, np.float32)
        encode_game(state, game)
        assert (batch.wholes[row, WHOLE_FEATURES:] == game).all()
        won = [int(winners_of(record)) >> (me + n) % players & 1 for n in range(players)]
        expected = [share / sum(won) for share in won] + [0.0] * (8 - players)
        assert batch.shares[row].tolist() == pytest.approx(expected)
    assert len(np.unique(batch.shares, axis=0)) > 6


def test_the_loss_of_win_shares_changes_neither_actor_nor_critic():
    batch, _ = drawn(300)
    network = small_network()
    found = losses(network, *(torch.from_numpy(array) for array in batch))
    assert found.share is not None
    found.share.backward()
    assert network.standing[-1].weight.grad.abs().sum() > 0
    for part in (network.actor, network.critic):
        assert all(weight.grad is None for weight in part.parameters())
    even = np.log((batch.tricks >= 0).sum(axis=1)).mean()
    assert found.share.item() == pytest.approx(even, rel=1e-5)


def learned(steps: int) -> Learner:
    settings = LearningSettings(batch=256, threads=1, number_format="fp32", learning_rate=3e-3)
    learner = Learner(small_network(), settings, 0, CPU)
    window = ReplayWindow(10**6)
    window.add(games_played())
    learner.learn(0, window, steps, on_step=lambda: None, should_stop=lambda: False)
    return learner


def test_the_network_learns_who_is_ahead_and_is_deterministic_to_the_bit():
    learner, again = learned(60), learned(60)
    for one, two in zip(
        learner.network.state_dict().values(), again.network.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two)
    state = np.empty((1, STATE), np.int64)
    replay_to(next(iter(games_played())).astype(np.int64), 0, state[0])
    state[0, ROUNDS_LEFT] = 1
    state[0, SCORES] = 60
    state[0, SCORES + 1 : SCORES + 4] = 20
    evaluator = NetworkEvaluator(learner.network.eval().parts, 1, CPU)
    assert evaluator.standings(state)[0, 0] > 0.5


def test_a_learner_initialized_from_phase_one_plays_and_trains_that_network():
    small = new_network(NetworkSettings(width=32, blocks=1), 5)
    learner = Learner(small_network(), LearningSettings(batch=64, threads=1), 0, CPU)
    learner.initialize_from(small.state_dict())
    for network in (learner.network, learner.ema):
        weights = network.state_dict()
        assert all(torch.equal(weights[k], v) for k, v in small.state_dict().items())
