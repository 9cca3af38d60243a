"""The network: a residual MLP from an observation to action logits and trick distributions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blobmaster.net.observation import FEATURES
from blobmaster.net.prediction import OUTPUTS
from blobmaster.net.settings import NetworkSettings

ARCHITECTURE = 1
"""The `v1` of checkpoint names: changes with the observation, the output or the layers."""

_HEAD_GAIN = 0.1
"""Scale of the head's first weights: an untrained network's priors are near uniform."""


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


class BlobNetwork(nn.Module):
    """`[rows, FEATURES]` observations to `[rows, OUTPUTS]` logits, laid out as `OUTPUTS` says."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.stem = nn.Linear(FEATURES, settings.width)
        self.blocks = nn.Sequential(
            *(ResidualBlock(settings.width) for _ in range(settings.blocks))
        )
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, OUTPUTS)

    def forward(self, observations: Tensor) -> Tensor:
        """Logits `[rows, OUTPUTS]`, neither masked nor normalised."""
        return self.head(torch.relu(self.norm(self.blocks(self.stem(observations)))))


def new_network(settings: NetworkSettings, seed: int) -> BlobNetwork:
    """An untrained network whose weights follow from `seed` alone; no global stream moves."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs' too
        network = BlobNetwork(settings)
    with torch.no_grad():
        network.head.weight.mul_(_HEAD_GAIN)
        network.head.bias.zero_()
    return network


def parameter_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
