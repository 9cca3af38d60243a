"""The network: an actor that sees what a seat may see, and a critic that sees every hand.

The actor plays. The critic judges positions in which all hands are known: those of a deal that is
being learned from, and those of a search's worlds. A value that was asked of a seat's own view
would know nothing of the other seats' hands, and so nothing of what their bids are worth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blobmaster.net.observation import FEATURES, WHOLE_FEATURES
from blobmaster.net.prediction import ACTOR_OUTPUTS, CRITIC_OUTPUTS
from blobmaster.net.settings import NetworkSettings

ARCHITECTURE = 1
"""The `v1` of checkpoint names: changes with the observation, the output or the layers."""

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


class ResidualMLP(nn.Module):
    """`[rows, inputs]` to `[rows, outputs]` logits."""

    def __init__(self, inputs: int, outputs: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem = nn.Linear(inputs, settings.width)
        self.blocks = nn.Sequential(
            *(ResidualBlock(settings.width) for _ in range(settings.blocks))
        )
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits, neither masked nor normalised."""
        return self.head(torch.relu(self.norm(self.blocks(self.stem(rows)))))


class BlobNetwork(nn.Module):
    """Actor and critic, each its own residual MLP: they are asked on different rows."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.actor = ResidualMLP(FEATURES, ACTOR_OUTPUTS, settings)
        """`[rows, FEATURES]` observations to logits laid out as `ACTOR_OUTPUTS` says."""
        self.critic = ResidualMLP(WHOLE_FEATURES, CRITIC_OUTPUTS, settings)
        """`[rows, WHOLE_FEATURES]` to logits of `CRITIC_OUTPUTS`."""

    def forward(self, wholes: Tensor) -> tuple[Tensor, Tensor]:
        """What the actor and the critic say of `[rows, WHOLE_FEATURES]`."""
        return self.actor(wholes[:, :FEATURES]), self.critic(wholes)


def new_network(settings: NetworkSettings, seed: int) -> BlobNetwork:
    """An untrained network whose weights follow from `seed` alone; no global stream moves."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs' too
        network = BlobNetwork(settings)
    with torch.no_grad():
        for part in (network.actor, network.critic):
            part.head.weight.mul_(_HEAD_GAIN)
            part.head.bias.zero_()
    return network


def parameter_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
