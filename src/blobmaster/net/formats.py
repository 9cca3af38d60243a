"""The number formats that a network may be evaluated in, and which is the fastest here."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from blobmaster.game.cards import SUITS
from blobmaster.net.int8 import QuantizedMLP
from blobmaster.net.model import BlobNetwork, ResidualMLP
from blobmaster.net.observation import FEATURES, WHOLE_FEATURES, encode_whole_rows
from blobmaster.net.positions import some_positions
from blobmaster.net.settings import NumberFormat

PROVEN: dict[str, tuple[NumberFormat, ...]] = {
    "lookahead": ("fp32", "bf16", "int8"),
    "search": ("fp32",),
    "games": ("fp32",),
}
"""What `auto` chooses from, by how decisions are made, and in whole games: a cheaper format is
there once a match of 20,000 rounds has shown such play no weaker, within 0.1 points a round
(docs/measurements.md)."""

CALIBRATION_ROWS = 512
REPEATS = 8

Forward = Callable[[Tensor], Tensor]
"""`[rows, inputs]` float32 to `[rows, outputs]` float32 logits, on the network's device."""


class Parts(Protocol):
    """A network as it is evaluated; `BlobNetwork` is one, in float32."""

    @property
    def actor(self) -> Forward:
        """Of the acting seat's view."""
        ...

    @property
    def critic(self) -> Forward:
        """Of all hands."""
        ...

    @property
    def standing(self) -> Forward | None:
        """Of where a game stands between two rounds; always in float32."""
        ...

    @property
    def sees_games(self) -> bool:
        """Whether actor and critic are also asked about where the game stands."""
        ...


class Packed(NamedTuple):
    """A copy of a network in a cheaper format."""

    actor: Forward
    critic: Forward
    standing: Forward | None = None
    sees_games: bool = False


def packed(network: BlobNetwork, number_format: NumberFormat) -> Parts:
    """The network as it is now in a number format; the answers follow from its weights alone.

    In float32 it is the network itself, and what becomes of it.

    Raises:
        ValueError: this machine cannot; one line that says what to do.
    """
    if number_format == "fp32":
        return network
    if number_format == "bf16":
        standing = copy.deepcopy(network.standing)
        cheap = _as_bf16(network.actor), _as_bf16(network.critic)
        return Packed(*cheap, standing, network.sees_games)
    if network.sees_games:
        raise ValueError(
            "inference.number_format int8: scores of games are more than 8 bits can tell: set it "
            "to bf16 or fp32"
        )
    try:
        return _as_int8(network)
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            "inference.number_format int8: this torch cannot multiply 8-bit integers here "
            f"({str(error).splitlines()[0]}): set it to bf16 or fp32"
        ) from None


def _as_bf16(part: ResidualMLP) -> Forward:
    cheap = copy.deepcopy(part).to(torch.bfloat16)
    return lambda rows: cheap(rows.to(torch.bfloat16)).float()


def _as_int8(network: BlobNetwork) -> Packed:
    if next(network.parameters()).device.type != "cpu":
        raise NotImplementedError("it runs on the CPU alone")
    states = some_positions(CALIBRATION_ROWS)
    wholes = torch.zeros(len(states), WHOLE_FEATURES)
    encode_whole_rows(states, wholes.numpy(), np.empty((len(states), SUITS), np.int64))
    with torch.inference_mode(), one_thread():
        return Packed(
            QuantizedMLP(network.actor, wholes[:, :FEATURES]),
            QuantizedMLP(network.critic, wholes),
        )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """In here the network runs on one core, as a worker's does: sums keep their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def evaluations_per_second(
    network: BlobNetwork, batch: int, candidates: Sequence[NumberFormat]
) -> dict[NumberFormat, float]:
    """How many rows a second actor and critic answer, on one core, in each format.

    On a CPU it is the processor's time that counts, and everywhere the fastest of some turns: what
    a busy machine does says nothing of the format. Those that this machine cannot do are left out.
    """
    device = next(network.parameters()).device
    width = network.critic.inputs
    rows = torch.rand(batch, width, generator=torch.Generator().manual_seed(0)).to(device)
    views = rows[:, : network.actor.inputs]
    formats: dict[NumberFormat, Parts] = {}
    for name in candidates:
        with contextlib.suppress(ValueError):
            formats[name] = packed(network, name)
    with torch.inference_mode(), one_thread():
        times = [
            {name: _seconds(parts, views, rows) for name, parts in formats.items()}
            for _ in range(REPEATS)
        ]
    return {name: batch / min(turn[name] for turn in times) for name in formats}


def _seconds(parts: Parts, views: Tensor, wholes: Tensor) -> float:
    clock = time.thread_time if wholes.device.type == "cpu" else time.perf_counter
    began = clock()
    parts.actor(views)
    parts.critic(wholes).cpu()  # waits for a GPU
    return clock() - began


def fastest(speeds: Mapping[NumberFormat, float]) -> NumberFormat:
    """The format of most evaluations a second."""
    return max(speeds, key=lambda name: speeds[name])
