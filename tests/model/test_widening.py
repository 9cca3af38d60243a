"""Weights of older networks load into the network of today, which then computes the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from blobmaster.checkpoint.file import read_checkpoint
from blobmaster.checkpoint.network import load_trained
from blobmaster.config.network import NetworkSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.model.features import DEAL_INDEX, FEATURES, INDEX, WHOLE_FEATURES
from blobmaster.model.game_features import GAME_WHOLE_FEATURES, STANDING_FEATURES, VIEW_FEATURES
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.training.learner import Learner

CPU = torch.device("cpu")
FILES = Path(__file__).parents[1] / "fixtures" / "version-0.1"
CHECKPOINT = next((FILES / "run" / "cache").glob("*.pth"))


def in_deal(group: str) -> list[int]:
    """Return the columns of a group of the deal's features in the critic's input."""
    return [FEATURES + column for column in range(WHOLE_FEATURES)[DEAL_INDEX[group]]]


LIVE = in_deal("live_hands") + in_deal("live_winner")
OUTRANKED = [*range(FEATURES)[INDEX["outranked"]], *range(FEATURES)[INDEX["winner_outranked"]]]
KINDS = in_deal("kinds")
KNOWN = [*range(FEATURES)[INDEX["table_known"]], *range(FEATURES)[INDEX["known_kinds"]]]
TRAITS = [*range(FEATURES)[INDEX["known_traits"]]]
DEAL_TRAITS = in_deal("traits")
KINDS_IN_STANDING = [*range(MAX_PLAYERS, MAX_PLAYERS + len(KINDS))]
TRAITS_IN_STANDING = [KINDS_IN_STANDING[-1] + 1 + i for i in range(len(DEAL_TRAITS))]
SINCE_KNOWN = KNOWN + TRAITS
SINCE_RANKS = OUTRANKED + SINCE_KNOWN
ADDED = {
    "before the traits": {
        "actor.stem.weight": TRAITS,
        "critic.stem.weight": TRAITS + DEAL_TRAITS,
        "standing.0.weight": TRAITS_IN_STANDING,
    },
    "before the actor saw known opponents": {
        "actor.stem.weight": SINCE_KNOWN,
        "critic.stem.weight": SINCE_KNOWN + DEAL_TRAITS,
        "standing.0.weight": TRAITS_IN_STANDING,
    },
    "before the features of rank": {
        "actor.stem.weight": SINCE_RANKS,
        "critic.stem.weight": SINCE_RANKS + LIVE + DEAL_TRAITS,
        "standing.0.weight": TRAITS_IN_STANDING,
    },
    "before the kinds of opponents, in version 0.1": {
        "actor.stem.weight": SINCE_RANKS,
        "critic.stem.weight": SINCE_RANKS + LIVE + KINDS + DEAL_TRAITS,
        "standing.0.weight": KINDS_IN_STANDING + TRAITS_IN_STANDING,
    },
}
"""By age of a network, the columns that its weights lack."""

OF_0_1 = ADDED["before the kinds of opponents, in version 0.1"]


def without(tensor: torch.Tensor, columns: list[int]) -> torch.Tensor:
    kept = torch.ones(tensor.shape[1], dtype=torch.bool)
    kept[columns] = False
    return tensor[:, kept]


def trained(sees_games: bool) -> BlobNetwork:
    """Return a network without zero weights."""
    network = new_network(NetworkSettings(width=32, blocks=1), 3, sees_games=sees_games)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.rand(weight.shape, generator=torch.Generator().manual_seed(1)))
    return network


@pytest.mark.parametrize("sees_games", [False, True])
@pytest.mark.parametrize("age", ADDED)
def test_an_older_network_computes_the_same_after_loading(age, sees_games):
    made = trained(sees_games)
    old = dict(made.state_dict())
    lacking = {name: columns for name, columns in ADDED[age].items() if name in old}
    for name, columns in lacking.items():
        old[name] = without(old[name], columns)
    loaded = new_network(NetworkSettings(width=32, blocks=1), 4, sees_games=sees_games)
    loaded.load_state_dict(old)
    inputs = {
        "actor": VIEW_FEATURES if sees_games else FEATURES,
        "critic": GAME_WHOLE_FEATURES if sees_games else WHOLE_FEATURES,
        "standing": STANDING_FEATURES,
    }
    for part, width in inputs.items():
        if part == "standing" and not sees_games:
            continue
        rows = torch.rand(9, width)
        plain = rows.clone()  # what the old network saw of it
        for name, columns in lacking.items():
            if name.startswith(part):
                plain[:, columns] = 0.0
        with torch.inference_mode():
            found, expected = getattr(loaded, part)(rows), getattr(made, part)(plain)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


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
    weights = load_trained(CHECKPOINT, CPU).network.state_dict()
    for name in ("actor.stem.weight", "critic.stem.weight"):
        assert torch.equal(without(weights[name], OF_0_1[name]), state["learner"]["average"][name])
        assert (weights[name][:, OF_0_1[name]] == 0).all()


def test_the_learner_of_version_0_1_continues_with_zeros_for_the_new_inputs():
    saved = read_checkpoint(CHECKPOINT)
    state = torch.load(saved.content, weights_only=True)["learner"]
    network = new_network(saved.config.network, 1)
    learner = Learner(network, saved.config.learning, 1, CPU)
    learner.load_state_dict(state)
    now = learner.state_dict()
    names = [name for name, _ in network.named_parameters()]
    for name in ("actor.stem.weight", "critic.stem.weight"):
        number = names.index(name)
        pairs = [(now[which][name], state[which][name]) for which in ("network", "average")] + [
            (now["optimizer"]["state"][number][key], state["optimizer"]["state"][number][key])
            for key in ("exp_avg", "exp_avg_sq")
        ]
        for wide, old in pairs:
            assert wide.shape == network.state_dict()[name].shape
            assert torch.equal(without(wide, OF_0_1[name]), old)
            assert (wide[:, OF_0_1[name]] == 0).all()
