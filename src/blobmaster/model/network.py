"""The network: an actor that sees what a seat may see, and a critic that sees every hand.

The actor plays. The critic judges positions in which all hands are known: those of a deal that is
being learned from, and those of a search's worlds. A value that was asked of a seat's own view
would know nothing of the other seats' hands, and so nothing of what their bids are worth.

A network of phase 2 is one of phase 1 with inputs added to both parts, which say where the game
stands, and a small network that tells the share of the win from that, between two rounds. What is
added begins without weight and beside what there is, so that such a network begins by computing
exactly what the smaller one computes.
"""

from __future__ import annotations

from collections.abc import Mapping

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

ARCHITECTURE = 1
"""The `v1` of checkpoint names: changes with the observation, the output or the layers."""

GAMES_ARCHITECTURE = 2
"""The same of a network that sees where a game stands."""

_STANDING_WIDTH = 96

_HEAD_GAIN = 0.1
"""Scale of the heads' first weights: an untrained network's priors are near uniform."""


class ResidualBlock(nn.Module):
    """Adds `expand(relu(contract(norm(x))))` to its input (He et al. 2016, pre-activation)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.contract = nn.Linear(width, width)
        self.expand = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`[rows, width]` to the same."""
        return torch.add(x, self.expand(torch.relu(self.contract(self.norm(x)))))

    def describe(self) -> Residual:
        """Describe the block's layers."""
        inner = (_norm(self.norm), _linear(self.contract), Relu(), _linear(self.expand))
        return Residual(inner)


class ResidualMLP(NetworkPart):
    """`[rows, inputs]` to `[rows, outputs]` logits."""

    def __init__(self, inputs: int, outputs: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem = nn.Linear(inputs, settings.width)
        self.blocks = nn.Sequential(
            *(ResidualBlock(settings.width) for _ in range(settings.blocks))
        )
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, outputs)
        self.more_stem: nn.Linear | None = None

    @property
    def inputs(self) -> int:
        """The width of its rows."""
        return self.stem.in_features + (self.more_stem.in_features if self.more_stem else 0)

    @property
    def outputs(self) -> int:
        """The width of its logits."""
        return self.head.out_features

    def extend(self, inputs: int) -> None:
        """Add inputs behind those that there are, without weight."""
        self.more_stem = _zero(nn.Linear(inputs, self.head.in_features, bias=False))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits, neither masked nor normalised."""
        if self.more_stem is None:
            x = self.stem(rows)
        else:
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
    """Actor and critic, each its own residual MLP: they are asked on different rows."""

    def __init__(self, settings: NetworkSettings, *, sees_games: bool = False) -> None:
        super().__init__()
        self.sees_games = sees_games
        self.actor = ResidualMLP(FEATURES, ACTOR_OUTPUTS, settings)
        """`[rows, FEATURES]` observations to logits laid out as `ACTOR_OUTPUTS` says."""
        self.critic = ResidualMLP(WHOLE_FEATURES, CRITIC_OUTPUTS, settings)
        """`[rows, WHOLE_FEATURES]` to logits of `CRITIC_OUTPUTS`."""
        self.standing: nn.Sequential | None = None
        """`[rows, STANDING_FEATURES]` to `SHARE_OUTPUTS`: who will win, before a round is dealt."""
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
        """What the actor and the critic say of `[rows, WHOLE_FEATURES]`, in games of
        `[rows, GAME_WHOLE_FEATURES]`."""
        views = wholes[:, :FEATURES]
        if self.sees_games:
            views = torch.cat([views, wholes[:, WHOLE_FEATURES:]], dim=1)
        return self.actor(views), self.critic(wholes)

    def take_over(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights, or those of a network that sees no games: what it lacks stays as it is.

        Raises:
            ValueError: they are of another network than that.
        """
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
    """An untrained network whose weights follow from `seed` alone; no global stream moves."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs' too
        network = BlobNetwork(settings, sees_games=sees_games)
    with torch.no_grad():
        for part in (network.actor, network.critic):
            part.head.weight.mul_(_HEAD_GAIN)
            part.head.bias.zero_()
    return network


def architecture(*, sees_games: bool) -> int:
    """The number in the names of checkpoints of such networks."""
    return GAMES_ARCHITECTURE if sees_games else ARCHITECTURE


def parameter_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
