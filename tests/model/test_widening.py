"""Weights of older networks load into the network of today, which then computes the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from blobmaster.checkpoint.file import read_checkpoint
from blobmaster.checkpoint.network import load_trained
from blobmaster.config.network import NetworkSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.model.features import DEAL_INDEX, FEATURES, WHOLE_FEATURES
from blobmaster.model.game_features import GAME_WHOLE_FEATURES, STANDING_FEATURES
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.training.learner import Learner

CPU = torch.device("cpu")
FILES = Path(__file__).parents[1] / "fixtures" / "version-0.1"
CHECKPOINT = next((FILES / "run" / "cache").glob("*.pth"))
KINDS = slice(FEATURES + DEAL_INDEX["kinds"].start, FEATURES + DEAL_INDEX["kinds"].stop)
IN_STANDING = slice(MAX_PLAYERS, MAX_PLAYERS + KINDS.stop - KINDS.start)


def without(tensor: torch.Tensor, columns: slice) -> torch.Tensor:
    return torch.cat([tensor[:, : columns.start], tensor[:, columns.stop :]], dim=1)


def trained(sees_games: bool) -> BlobNetwork:
    """Return a network without zero weights."""
    network = new_network(NetworkSettings(width=32, blocks=1), 3, sees_games=sees_games)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.rand(weight.shape, generator=torch.Generator().manual_seed(1)))
    return network


@pytest.mark.parametrize("sees_games", [False, True])
def test_a_network_without_kinds_of_opponents_computes_the_same_after_loading(sees_games):
    made = trained(sees_games)
    old = dict(made.state_dict())
    old["critic.stem.weight"] = without(old["critic.stem.weight"], KINDS)
    rows = torch.rand(9, GAME_WHOLE_FEATURES if sees_games else WHOLE_FEATURES)
    plain = rows.clone()
    plain[:, KINDS] = 0.0
    standing = torch.rand(9, STANDING_FEATURES)
    if sees_games:
        old["standing.0.weight"] = without(old["standing.0.weight"], IN_STANDING)
    loaded = new_network(NetworkSettings(width=32, blocks=1), 4, sees_games=sees_games)
    loaded.load_state_dict(old)
    with torch.inference_mode():
        # The old network is the made one on rows without opponents of a kind.
        for found, expected in zip(loaded(rows), made(plain), strict=True):
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
        if sees_games:
            found = loaded.standing(standing)
            standing[:, IN_STANDING] = 0.0
            torch.testing.assert_close(found, made.standing(standing), rtol=0, atol=1e-4)


@pytest.mark.parametrize("sees_games", [False, True])
def test_weights_of_today_load_unchanged(sees_games):
    made = trained(sees_games)
    loaded = new_network(NetworkSettings(width=32, blocks=1), 4, sees_games=sees_games)
    loaded.load_state_dict(made.state_dict())
    for name, weight in made.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_weights_of_another_width_do_not_load():
    weights = dict(trained(False).state_dict())
    weights["critic.stem.weight"] = weights["critic.stem.weight"][:, :-3]
    with pytest.raises(RuntimeError, match=r"critic\.stem\.weight"):
        trained(False).load_state_dict(weights)


def test_the_networks_of_version_0_1_load_with_zeros_for_the_new_inputs():
    state = torch.load(read_checkpoint(CHECKPOINT).content, weights_only=True)
    network = load_trained(CHECKPOINT, CPU).network
    weight = network.critic.stem.weight
    assert torch.equal(without(weight, KINDS), state["learner"]["average"]["critic.stem.weight"])
    assert (weight[:, KINDS] == 0).all()


def test_the_learner_of_version_0_1_continues_with_zeros_for_the_new_inputs():
    saved = read_checkpoint(CHECKPOINT)
    state = torch.load(saved.content, weights_only=True)["learner"]
    network = new_network(saved.config.network, 1)
    learner = Learner(network, saved.config.learning, 1, CPU)
    learner.load_state_dict(state)
    now = learner.state_dict()
    names = [name for name, _ in network.named_parameters()]
    number = names.index("critic.stem.weight")
    pairs = [
        (now["network"]["critic.stem.weight"], state["network"]["critic.stem.weight"]),
        (now["average"]["critic.stem.weight"], state["average"]["critic.stem.weight"]),
    ] + [
        (now["optimizer"]["state"][number][key], state["optimizer"]["state"][number][key])
        for key in ("exp_avg", "exp_avg_sq")
    ]
    for wide, old in pairs:
        assert wide.shape == network.critic.stem.weight.shape
        assert torch.equal(without(wide, KINDS), old)
        assert (wide[:, KINDS] == 0).all()
