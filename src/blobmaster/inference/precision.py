"""The number formats that a network may be evaluated in, and which is the fastest here."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from blobmaster.config.inference import NumberFormat
from blobmaster.game.cards import SUITS
from blobmaster.inference.calibration_positions import some_positions
from blobmaster.inference.cpu_plans import Program, repeated
from blobmaster.inference.cuda_graphs import Forward
from blobmaster.inference.int8 import QuantizedMLP
from blobmaster.model.features import FEATURES, WHOLE_FEATURES, encode_whole_rows
from blobmaster.model.network import BlobNetwork, ResidualMLP

PROVEN: dict[str, tuple[NumberFormat, ...]] = {
    "lookahead": ("fp32", "bf16", "int8"),
    "search": ("fp32", "bf16", "int8"),
    "games": ("fp32",),
}
"""What `auto` chooses from, by how decisions are made, and in whole games: a cheaper format is
there once a match of 20,000 rounds has shown such play no weaker, within 0.1 points a round
(docs/measurements.md)."""

CALIBRATION_ROWS = 512
REPEATS = 8


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
    standing: nn.Module | None = None
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
        return Packed(_Bf16(network.actor), _Bf16(network.critic), standing, network.sees_games)
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


def packed_again(parts: Parts | None, network: BlobNetwork, number_format: NumberFormat) -> Parts:
    """The same as `packed`, in the memory of `parts` where they are such a copy in bf16.

    What was recorded of them (`blobmaster.inference.cuda_graphs`) then answers by the new weights.
    """
    if isinstance(parts, Packed) and isinstance(parts.critic, _Bf16):
        assert isinstance(parts.actor, _Bf16)
        parts.actor.take(network.actor)
        parts.critic.take(network.critic)
        if parts.standing is not None and network.standing is not None:
            parts.standing.load_state_dict(network.standing.state_dict())
        return parts
    return packed(network, number_format)


class _Bf16:
    """A copy of a part whose weights and sums are in bf16."""

    def __init__(self, part: ResidualMLP) -> None:
        self._part = copy.deepcopy(part).to(torch.bfloat16)
        self.outputs = part.outputs

    def __call__(self, rows: Tensor) -> Tensor:
        return self._part(rows.to(torch.bfloat16)).float()

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """See `Programmable`."""
        self._part.write(program, rows, outputs)

    def take(self, part: ResidualMLP) -> None:
        """Copy the weights that `part` has now."""
        self._part.load_state_dict(part.state_dict())


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
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    width = network.critic.inputs
    rows = torch.rand(batch, width, generator=torch.Generator().manual_seed(0)).to(device)
    views = rows[:, : network.actor.inputs]
    formats: dict[NumberFormat, Parts] = {}
    for name in candidates:
        with contextlib.suppress(ValueError):
            formats[name] = packed(network, name)
    with torch.inference_mode(), one_thread():
        passes = {
            name: (repeated(parts.actor, views), repeated(parts.critic, rows))
            for name, parts in formats.items()
        }
        times = [
            {name: _seconds(act, judge, clock) for name, (act, judge) in passes.items()}
            for _ in range(REPEATS)
        ]
    return {name: batch / min(turn[name] for turn in times) for name in formats}


def _seconds(
    act: Callable[[], Tensor], judge: Callable[[], Tensor], clock: Callable[[], float]
) -> float:
    began = clock()
    act()
    judge().cpu()  # waits for a GPU
    return clock() - began


def fastest(speeds: Mapping[NumberFormat, float]) -> NumberFormat:
    """The format of most evaluations a second."""
    return max(speeds, key=lambda name: speeds[name])
