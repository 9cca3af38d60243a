"""The network: an actor that sees what a seat sees, and a critic that sees all hands.

The actor chooses actions. The critic values positions with all hands known: those of a deal that is
learned from, and those of a search's sampled worlds. From a seat's own view a value could not tell
what the other seats' bids are worth.

A network for games (phase 2) is one for rounds (phase 1) with two additions: inputs of both parts
for the game's standing, and a small network that predicts the shares of the win between two rounds.
The added weights start at zero, so the larger network first computes exactly what the smaller one
does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from blobmaster.config.network import NetworkSettings
from blobmaster.model.features import FEATURES, WHOLE_FEATURES
from blobmaster.model.game_features import GAME_FEATURES, STANDING_FEATURES
from blobmaster.model.heads import ACTOR_OUTPUTS, CRITIC_OUTPUTS, SHARE_OUTPUTS
from blobmaster.model.layers import (
    Layer,
    LayerNorm,
    Linear,
    NetworkPart,
    Parts,
    Relu,
    Residual,
    SplitLinear,
)
from blobmaster.model.widening import widened_weights

ARCHITECTURE = 1
"""The `v1` in names of checkpoints: changes when weights of an older network can be used no more.
Inputs that are only added (`blobmaster.model.widening`) do not change it."""

GAMES_ARCHITECTURE = 2
"""The version of networks for games."""

_STANDING_WIDTH = 96

_HEAD_GAIN = 0.1
"""Scale of the heads' initial weights: it makes an untrained network's priors nearly uniform."""


class ResidualBlock(nn.Module):
    """Computes `x + expand(relu(contract(norm(x))))` (He et al. 2016, pre-activation)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.contract = nn.Linear(width, width)
        self.expand = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, width]` to `[rows, width]`."""
        return torch.add(x, self.expand(torch.relu(self.contract(self.norm(x)))))

    def describe(self) -> Residual:
        """Describe the block's layers."""
        inner = (_norm(self.norm), _linear(self.contract), Relu(), _linear(self.expand))
        return Residual(inner)


class ResidualMLP(NetworkPart):
    """Maps `[rows, inputs]` to `[rows, outputs]` logits."""

    def __init__(self, inputs: int, outputs: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem = nn.Linear(inputs, settings.width)
        self.blocks = nn.Sequential(
            *(ResidualBlock(settings.width) for _ in range(settings.blocks))
        )
        # Pre-activation blocks leave their sum unnormalized, so a norm stands before the head.
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, outputs)
        self.more_stem: nn.Linear | None = None

    @property
    def inputs(self) -> int:
        """See `NetworkPart`."""
        return self.stem.in_features + (self.more_stem.in_features if self.more_stem else 0)

    @property
    def outputs(self) -> int:
        """See `NetworkPart`."""
        return self.head.out_features

    def extend(self, inputs: int) -> None:
        """Add inputs after the existing ones, with weights of zero."""
        # A layer beside the stem, not a wider stem: a wider product may be summed in another order,
        # and the start would only nearly be the smaller network. The stem has the bias.
        self.more_stem = _zero(nn.Linear(inputs, self.head.in_features, bias=False))

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits, neither masked nor normalized."""
        if self.more_stem is None:
            x = self.stem(rows)
        else:
            # Contiguous, so that the product of the first inputs has the bits that it has in a
            # network without the others.
            first = self.stem.in_features
            x = self.stem(rows[:, :first].contiguous()) + self.more_stem(rows[:, first:])
        return self.head(torch.relu(self.norm(self.blocks(x))))

    def layers(self) -> tuple[Layer, ...]:
        """See `NetworkPart`."""
        stem: Layer = _linear(self.stem)
        if self.more_stem is not None:
            stem = SplitLinear(_linear(self.stem), self.more_stem.weight)
        blocks = [block.describe() for block in self.blocks if isinstance(block, ResidualBlock)]
        return (stem, *blocks, _norm(self.norm), Relu(), _linear(self.head))


def _linear(layer: nn.Linear) -> Linear:
    return Linear(layer.weight, layer.bias)


def _norm(layer: nn.LayerNorm) -> LayerNorm:
    return LayerNorm(layer.weight, layer.bias, layer.eps)


def _zero(layer: nn.Linear) -> nn.Linear:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class BlobNetwork(nn.Module):
    """Actor and critic, two separate residual MLPs: they are evaluated on different rows."""

    def __init__(self, settings: NetworkSettings, *, sees_games: bool = False) -> None:
        super().__init__()
        self.sees_games = sees_games
        self.actor = ResidualMLP(FEATURES, ACTOR_OUTPUTS, settings)
        """Maps `[rows, FEATURES]` observations to logits, laid out as `ACTOR_OUTPUTS` says."""
        self.critic = ResidualMLP(WHOLE_FEATURES, CRITIC_OUTPUTS, settings)
        """Maps `[rows, WHOLE_FEATURES]` to `[rows, CRITIC_OUTPUTS]` logits."""
        self.standing: nn.Sequential | None = None
        """Maps `[rows, STANDING_FEATURES]` to `[rows, SHARE_OUTPUTS]` logits: shares of the win."""
        if sees_games:
            self.actor.extend(GAME_FEATURES)
            self.critic.extend(GAME_FEATURES)
            self.standing = nn.Sequential(
                nn.Linear(STANDING_FEATURES, _STANDING_WIDTH),
                nn.ReLU(),
                nn.Linear(_STANDING_WIDTH, _STANDING_WIDTH),
                nn.ReLU(),
                _zero(nn.Linear(_STANDING_WIDTH, SHARE_OUTPUTS)),
            )

    @property
    def parts(self) -> Parts:
        """The network's own parts, in float32: they change as it learns."""
        return Parts(self.actor, self.critic, self.standing, self.sees_games)

    def forward(self, wholes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of actor and critic.

        Args:
            wholes: `[rows, WHOLE_FEATURES]`, or `[rows, GAME_WHOLE_FEATURES]` if it sees games.
        """
        # The actor must not see the deal, which stands between the observation and the game.
        views = wholes[:, :FEATURES]
        if self.sees_games:
            views = torch.cat([views, wholes[:, WHOLE_FEATURES:]], dim=1)
        return self.actor(views), self.critic(wholes)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load weights as torch does, also those of an older network with fewer inputs."""
        wide = widened_weights(state_dict, self.state_dict())
        return super().load_state_dict(wide, strict, assign)

    def take_over(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of a network of the same kind, or of one that does not see games.

        Weights that the latter lacks keep their values.

        Raises:
            ValueError: they are the weights of another kind of network.
        """
        # Only what a network for games adds may be missing.
        ours = self.state_dict()
        lacks = ours.keys() - weights.keys()
        added = ("actor.more_stem", "critic.more_stem", "standing")
        if any(not name.startswith(added) for name in lacks):
            raise ValueError(f"the weights lack {sorted(lacks)[0]}")
        try:
            self.load_state_dict({**ours, **weights})
        except RuntimeError as error:
            raise ValueError(" ".join(str(error).split())) from None


def new_network(settings: NetworkSettings, seed: int, *, sees_games: bool = False) -> BlobNetwork:
    """Return an untrained network that depends on `seed` alone; global generators do not move."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed the GPUs' generators, which are not restored here.
        torch.default_generator.manual_seed(seed)
        network = BlobNetwork(settings, sees_games=sees_games)
    with torch.no_grad():
        for part in (network.actor, network.critic):
            part.head.weight.mul_(_HEAD_GAIN)
            part.head.bias.zero_()
    return network


def architecture(*, sees_games: bool) -> int:
    """Return the architecture version that stands in the names of checkpoints."""
    return GAMES_ARCHITECTURE if sees_games else ARCHITECTURE


def parameter_count(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
