"""The network and its evaluator: size, initial weights, and answers that are independent by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from positions import RandomRound, exchange_hidden, legal_of

from blobmaster.config.network import NetworkSettings
from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS, SUITS
from blobmaster.game.rules import DEALT, MAX_LEGAL, SEAT, TRICKS, is_bidding
from blobmaster.inference.evaluator import NetworkEvaluator, choose_device
from blobmaster.model.features import FEATURES, WHOLE_FEATURES, encode_rows, encode_whole_rows
from blobmaster.model.heads import (
    ACTION_COUNT,
    ACTOR_OUTPUTS,
    CRITIC_OUTPUTS,
    decode_prior_rows,
    decode_value_rows,
)
from blobmaster.model.network import new_network, parameter_count

SMALL = NetworkSettings(width=32, blocks=2)
CPU = torch.device("cpu")


def test_the_default_network_has_the_documented_number_of_parameters():
    network = new_network(NetworkSettings(), 0)
    assert f"{parameter_count(network) / 1e6:.1f}M" == "4.9M"
    assert parameter_count(network) == sum(p.numel() for p in network.state_dict().values())


def weights(seed: int) -> list[torch.Tensor]:
    return list(new_network(SMALL, seed).state_dict().values())


def test_initial_weights_depend_on_the_seed_alone():
    first = weights(3)
    torch.rand(5)
    assert all(torch.equal(a, b) for a, b in zip(first, weights(3), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, weights(4), strict=True))


def test_a_new_network_does_not_move_the_global_generator():
    before = torch.get_rng_state(), torch.initial_seed()
    new_network(SMALL, 3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.initial_seed() == before[1]


def test_an_untrained_networks_priors_are_nearly_uniform():
    states = RandomRound(1, 4, 7).choices
    evaluator = NetworkEvaluator(new_network(NetworkSettings(), 0).parts, len(states), CPU)
    priors = evaluator.priors(states)
    for state, prior in zip(states, priors, strict=True):
        count = len(legal_of(state))
        assert prior[:count] == pytest.approx(1 / count, rel=0.35)


def test_a_networks_rows_do_not_mix():
    network = new_network(SMALL, 1)
    rows = torch.rand(7, WHOLE_FEATURES)
    acted, judged = network(rows)
    assert acted.shape == (7, ACTOR_OUTPUTS)
    assert judged.shape == (7, CRITIC_OUTPUTS)
    for found, alone in zip((acted, judged), network(rows[3:4]), strict=True):
        torch.testing.assert_close(found[3:4], alone)


def test_the_actor_sees_the_observation_alone():
    network = new_network(SMALL, 1)
    rows = torch.rand(7, WHOLE_FEATURES)
    other = rows.clone()
    other[:, FEATURES:] = torch.rand(7, WHOLE_FEATURES - FEATURES)
    assert torch.equal(network(rows)[0], network(other)[0])
    assert not torch.equal(network(rows)[1], network(other)[1])


@pytest.mark.parametrize(("players", "cards"), [(3, 17), (4, 7), (8, 6)])
def test_an_evaluator_answers_for_each_state_and_the_actor_sees_nothing_hidden(players, cards):
    states = RandomRound(31, players, cards).choices
    evaluator = NetworkEvaluator(new_network(SMALL, 1).parts, len(states), CPU)
    priors, values = evaluator.priors(states).copy(), evaluator.values(states).copy()
    said = evaluator.forecasts(states)[1].copy()
    assert np.isfinite(priors).all()
    assert priors.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (values[:, :players] > 0).any()
    assert 0 <= values.min() <= values.max() <= 1
    others = np.array([exchange_hidden(state, state[SEAT], 5) for state in states])
    assert np.array_equal(priors, evaluator.priors(others))
    assert np.array_equal(said, evaluator.forecasts(others)[1])
    assert not np.array_equal(values, evaluator.values(others))


def plain_exact(state: np.ndarray, acted: np.ndarray) -> list[float]:
    """Return P(exact) by bid, from one row of the actor's output."""
    seat, cards = state[SEAT], int(state[DEALT])
    if is_bidding(state):
        odds = acted[-(MAX_CARDS + 1) :].tolist()[: cards + 1]
        return [1 / (1 + math.exp(-odd)) for odd in odds] + [0.0] * (MAX_CARDS - cards)
    taken = state[TRICKS : TRICKS + MAX_PLAYERS]
    possible = range(taken[seat], taken[seat] + cards - taken.sum() + 1)
    weights = [
        math.exp(acted[ACTION_COUNT + n]) if n in possible else 0.0 for n in range(MAX_CARDS + 1)
    ]
    return [weight / sum(weights) for weight in weights]


def test_an_evaluation_encodes_runs_the_network_and_decodes():
    states = RandomRound(33, 5, 6).choices
    network = new_network(SMALL, 2)
    evaluator = NetworkEvaluator(network.parts, len(states) + 3, CPU)
    priors, values = evaluator.priors(states).copy(), evaluator.values(states).copy()
    _, exact = evaluator.forecasts(states)
    for i, state in enumerate(states):
        row, slots = np.empty((1, WHOLE_FEATURES), np.float32), np.empty((1, SUITS), np.int64)
        encode_whole_rows(state[None], row, slots)
        view = np.empty((1, FEATURES), np.float32)
        encode_rows(state[None], view, slots)
        with torch.inference_mode():
            acted = network.actor(torch.from_numpy(view)).numpy()
            judged = network.critic(torch.from_numpy(row)).numpy()
        prior = np.empty((1, MAX_LEGAL), np.float32)
        value = np.empty((1, MAX_PLAYERS), np.float32)
        decode_prior_rows(state[None], slots, acted, prior)
        assert priors[i] == pytest.approx(prior[0], abs=1e-6)
        decode_value_rows(state[None], judged, value)
        assert values[i] == pytest.approx(value[0], abs=1e-6)
        assert exact[i].tolist() == pytest.approx(plain_exact(state, acted[0]), abs=1e-6)


def test_a_small_batch_after_a_large_one_answers_for_its_own_rows():
    states = RandomRound(32, 4, 7).choices
    evaluator = NetworkEvaluator(new_network(SMALL, 1).parts, len(states), CPU)
    fresh = NetworkEvaluator(new_network(SMALL, 1).parts, len(states), CPU)
    evaluator.priors(states)
    evaluator.values(states)
    assert np.array_equal(evaluator.priors(states[5:7]), fresh.priors(states[5:7]))
    assert np.array_equal(evaluator.values(states[5:7]), fresh.values(states[5:7]))


def test_more_rows_than_the_capacity_are_refused():
    states = RandomRound(32, 4, 7).choices
    evaluator = NetworkEvaluator(new_network(SMALL, 1).parts, 2, CPU)
    with pytest.raises(ValueError, match="room for 2 rows, not 3"):
        evaluator.priors(states[:3])


def test_a_missing_device_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(ValueError) as caught:
        choose_device("cuda")
    assert "--device cpu" in str(caught.value)
    assert "\n" not in str(caught.value)
