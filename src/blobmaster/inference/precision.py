"""Number formats for evaluation, and the fastest of them on this machine."""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from blobmaster.config.inference import NumberFormat
from blobmaster.game.cards import SUITS
from blobmaster.inference.calibration_positions import random_positions
from blobmaster.inference.cpu_plans import bind_rows, write_layers
from blobmaster.inference.cpu_program import Program
from blobmaster.inference.int8 import QuantizedPart
from blobmaster.inference.plan_check import WrongResultsError
from blobmaster.model.features import FEATURES, WHOLE_FEATURES, encode_whole_rows
from blobmaster.model.layers import NetworkPart, Parts
from blobmaster.model.network import BlobNetwork

log = logging.getLogger(__name__)

PROVEN: dict[str, tuple[NumberFormat, ...]] = {
    "lookahead": ("fp32", "bf16", "int8"),
    "search": ("fp32", "bf16", "int8"),
    "games": ("fp32", "bf16"),
}
"""The formats that `auto` chooses from, by the way of deciding, and in whole games. A cheaper
format is added once a match of 20,000 rounds has shown that play in it is no weaker, within 0.1
points a round (docs/measurements.md)."""

CALIBRATION_ROWS = 512
REPEATS = 8


def convert(network: BlobNetwork, number_format: NumberFormat) -> Parts:
    """Return the network's parts in a number format.

    In float32 they are the network's own, and change as it learns; in other formats, a copy. Where
    this torch computes int8 wrongly they are in float32, too, which is logged.

    Raises:
        ValueError: this machine cannot; one line that says what to do.
    """
    if number_format == "fp32":
        return network.parts
    if number_format == "bf16":
        standing = copy.deepcopy(network.standing)
        return Parts(_Bf16(network.actor), _Bf16(network.critic), standing, network.sees_games)
    if network.sees_games:
        raise ValueError(
            "inference.number_format int8: the scores of games need more than 8 bits: set it to "
            "bf16 or fp32"
        )
    try:
        return _as_int8(network)
    except WrongResultsError:
        log.warning(
            "this torch (%s) multiplies 8-bit integers wrongly: fp32 is used instead of int8; "
            "install the version of torch in requirements.txt",
            torch.__version__,
        )
        return network.parts
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            "inference.number_format int8: this torch cannot multiply 8-bit integers here "
            f"({str(error).splitlines()[0]}): set it to bf16 or fp32"
        ) from None


def reconvert(parts: Parts | None, network: BlobNetwork, number_format: NumberFormat) -> Parts:
    """Convert the network again, into the memory of `parts` where that is a copy in bf16.

    Plans of `parts` then answer by the new weights: CUDA graphs need not be recorded again.
    """
    if parts is not None and isinstance(parts.critic, _Bf16):
        assert isinstance(parts.actor, _Bf16)
        parts.actor.take(network.actor)
        parts.critic.take(network.critic)
        if isinstance(parts.standing, nn.Module) and network.standing is not None:
            parts.standing.load_state_dict(network.standing.state_dict())
        return parts
    return convert(network, number_format)


class _Bf16:
    """A copy of a part with weights and activations in bf16."""

    kind = torch.bfloat16

    def __init__(self, part: NetworkPart) -> None:
        self._part = copy.deepcopy(part).to(torch.bfloat16)
        self.outputs = part.outputs

    def __call__(self, rows: Tensor) -> Tensor:
        """Return `[rows, outputs]` float32 for `[rows, inputs]` float32."""
        return self._part(rows.to(torch.bfloat16)).float()

    def write(self, program: Program, rows: Tensor, outputs: Tensor) -> None:
        """See `WritesPlan`."""
        write_layers(program, self._part.layers(), rows, outputs)

    def take(self, part: NetworkPart) -> None:
        """Copy the weights of `part`, in place."""
        self._part.load_state_dict(part.state_dict())


def _as_int8(network: BlobNetwork) -> Parts:
    if next(network.parameters()).device.type != "cpu":
        raise NotImplementedError("it runs on a CPU only")
    states = random_positions(CALIBRATION_ROWS)
    wholes = torch.zeros(len(states), WHOLE_FEATURES)
    encode_whole_rows(states, wholes.numpy(), np.empty((len(states), SUITS), np.int64))
    with torch.inference_mode(), one_thread():
        return Parts(
            QuantizedPart(network.actor, wholes[:, :FEATURES]),
            QuantizedPart(network.critic, wholes),
        )


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one core inside the block, as workers do.

    With more, a sum is split by the number of threads, and its last bits follow from that.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def evaluations_per_second(
    network: BlobNetwork, batch: int, candidates: Sequence[NumberFormat]
) -> dict[NumberFormat, float]:
    """Measure rows per second of actor and critic, on one core, in each format.

    On a CPU the clock is the thread's CPU time, and the fastest of `REPEATS` turns counts: what
    else a busy machine does says nothing about the format. Formats that this machine cannot do are
    left out.
    """
    device = next(network.parameters()).device
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    width = network.critic.inputs
    rows = torch.rand(batch, width, generator=torch.Generator().manual_seed(0)).to(device)
    views = rows[:, : network.actor.inputs]
    formats: dict[NumberFormat, Parts] = {}
    for name in candidates:
        with contextlib.suppress(ValueError):
            parts = convert(network, name)
            if name == "fp32" or parts.critic is not network.critic:  # not fp32 in its place
                formats[name] = parts
    with torch.inference_mode(), one_thread():
        passes = {
            name: (bind_rows(parts.actor, views), bind_rows(parts.critic, rows))
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
    judge().cpu()  # waits for the GPU
    return clock() - began


def fastest(speeds: Mapping[NumberFormat, float]) -> NumberFormat:
    """Return the format with the most evaluations per second."""
    return max(speeds, key=lambda name: speeds[name])
