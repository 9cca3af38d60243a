"""The learner: trains the network on batches from the replay window, and keeps its EMA."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from blobmaster.config.learning import LearningSettings
from blobmaster.kernels.rng import generator
from blobmaster.model.network import BlobNetwork
from blobmaster.model.widening import widened_optimizer
from blobmaster.training.cuda_step import CudaGraphStep
from blobmaster.training.losses import losses
from blobmaster.training.replay_buffer import Batch, ReplayWindow, new_batch

_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""Names in `torch.cpu.get_capabilities` of bf16 products, on x86-64 and on arm64."""


class DivergedError(ArithmeticError):
    """A loss or a weight is not finite any more; nothing of the iteration may be committed."""


class Losses(NamedTuple):
    """Mean losses over the steps of an iteration."""

    total: float
    policy: float
    value: float


class Learner:
    """The network in training, its optimizer, and the exponential moving average of its weights.

    The EMA (`ema`) is the network that plays and is rated.
    """

    def __init__(
        self, network: BlobNetwork, settings: LearningSettings, seed: int, device: torch.device
    ) -> None:
        self._settings = settings
        self._seed = seed
        self._device = device
        self.network = network.to(device)
        self.ema = copy.deepcopy(self.network).requires_grad_(False).eval()
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._steps = 0
        # A CUDA graph replays fixed memory, so numbers that change between steps must be tensors on
        # the GPU. On the CPU they are plain numbers.
        self._is_captured = uses_cuda_graph(device)
        self._learning_rate: Tensor | float = self._number(settings.learning_rate)
        self._ema_step: Tensor | float = self._number(1.0)
        self._reverse_share: Tensor | float = self._number(0.0)
        self._fit_optimizer()
        self._graph_step: CudaGraphStep | None = None
        # Double buffering: a thread reads one batch while the network learns from the other.
        self._batches = [
            new_batch(settings.batch, of_games=network.sees_games, pinned=device.type == "cuda")
            for _ in range(2)
        ]
        # The step's input. On a GPU, a fixed place to which each batch is copied; on the CPU, the
        # batch itself.
        self._tensors = [
            torch.empty_like(torch.from_numpy(array), device=device) for array in self._batches[0]
        ]

    def _number(self, value: float) -> Tensor | float:
        return torch.tensor(value, device=self._device) if self._is_captured else value

    def _set(self, number: Tensor | float, value: float) -> Tensor | float:
        return number.fill_(value) if isinstance(number, Tensor) else value

    def _fit_optimizer(self) -> None:
        """Point the optimizer at our learning rate, also after it has loaded a state."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate
            group["capturable"] = self._is_captured

    def initialize_from(self, weights: Mapping[str, Tensor]) -> None:
        """Start from the weights of another network.

        A network of phase 1 has no features of a game's standing; their weights keep their initial
        values.

        Raises:
            ValueError: the network is of another size.
        """
        self.network.take_over(weights)
        self.ema.load_state_dict(self.network.state_dict())

    def steps_for(self, new_decisions: int) -> int:
        """Return the optimizer steps of an iteration with this number of new decisions."""
        return max(math.ceil(self._settings.replay_ratio * new_decisions / self._settings.batch), 1)

    def learning_rate(self, iteration: float) -> float:
        """Return the learning rate of the cosine schedule (Loshchilov and Hutter 2017, SGDR).

        Args:
            iteration: 0-based; a fraction lies within an iteration.
        """
        s = self._settings
        share = min(iteration / s.schedule_iterations, 1.0)
        height = 0.5 * (1.0 + math.cos(math.pi * share))
        return s.last_learning_rate + height * (s.learning_rate - s.last_learning_rate)

    def learn(
        self,
        iteration: int,
        window: ReplayWindow,
        steps: int,
        *,
        on_step: Callable[[], None],
        should_stop: Callable[[], bool],
    ) -> Losses | None:
        """Take `steps` optimizer steps; the batches follow from seed and iteration alone.

        Args:
            iteration: 0-based.
            window: the decisions to draw from; not changed.
            steps: at least 1.
            on_step: called after each step.
            should_stop: polled before each step.

        Returns:
            The mean losses, or None if interrupted. An interrupted learner is between two commits:
            it must be discarded or restored from a state.

        Raises:
            DivergedError: a loss or weight is not finite.
        """
        # The order of sums depends on the number of threads, so it is a setting and not left to the
        # machine: a resumed run must give the same bits.
        torch.set_num_threads(self._settings.threads)
        stream = generator(self._seed, "learn", iteration)
        tau = self._settings.tau(iteration)
        self._reverse_share = self._set(
            self._reverse_share, self._settings.reverse_share(iteration)
        )
        numbers = self._order(window, steps, stream)
        sums = np.zeros(3)
        # The compiled read releases the GIL and runs beside the step.
        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            read = reader.submit(window.read, numbers[0], tau, self._batches[0])
            for step in range(steps):
                if should_stop():
                    return None
                rate = self.learning_rate(iteration + step / steps)
                read.result()  # wait for this step's batch, and raise what reading it raised
                batch, other = self._batches[step % 2], self._batches[(step + 1) % 2]
                if step + 1 < steps:
                    read = reader.submit(window.read, numbers[step + 1], tau, other)
                sums += self._step(batch, rate)
                on_step()
        self._check_weights()
        return Losses(*(sums / steps).tolist())

    def _order(
        self, window: ReplayWindow, steps: int, stream: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return the numbers of each step's decisions in the window, `[steps, batch]`."""
        s = self._settings
        draws = steps * s.batch
        # Each decision of the newest `replay_ratio` iterations is learned once. If iterations are
        # of equal size, it is learned `replay_ratio` times before it is too old. At a ratio below
        # 1, only that share of the newest iteration is learned.
        pool = math.ceil(draws / min(s.replay_ratio, 1.0))
        return window.order(stream, draws, pool).reshape(steps, s.batch)

    def _step(self, batch: Batch, rate: float) -> list[float]:
        """Learn from a batch; return the total, policy and value loss."""
        self._steps += 1
        # The decay grows with the steps, as in TensorFlow's ExponentialMovingAverage, so that the
        # EMA soon forgets the random initial weights.
        decay = min(self._settings.ema_decay, self._steps / (self._steps + 10))
        self._learning_rate = self._set(self._learning_rate, rate)
        self._ema_step = self._set(self._ema_step, 1.0 - decay)
        arrays = [torch.from_numpy(array) for array in batch]
        if self._is_captured:
            # Batches are in pinned memory: the copies run while Python goes on.
            for tensor, array in zip(self._tensors, arrays, strict=True):
                tensor.copy_(array, non_blocking=True)
            if self._graph_step is None:
                self._graph_step = CudaGraphStep(self._optimize, self._changed_tensors)
            found = self._graph_step().tolist()
        else:
            self._tensors = arrays
            found = self._optimize().tolist()
        if not math.isfinite(found[0]):
            raise DivergedError(f"the loss is {found[0]} at step {self._steps - 1}")
        step_losses: list[float] = found
        return step_losses

    def _optimize(self) -> Tensor:
        """Update weights and EMA by the batch in `_tensors`; return the losses, `[3]`.

        It is captured as a CUDA graph: it must not read a value back from the GPU.
        """
        # On a CPU the rate is a new number each step; on a GPU it is the same tensor, refilled.
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate
        with autocast(self._settings.number_format, self._device):
            policy, divergence, value, view, share = losses(self.network, *self._tensors)
        # Not `lerp`: without the divergence, the loss keeps the bits of the cross-entropy.
        reverse = self._reverse_share
        loss = (1.0 - reverse) * policy + reverse * divergence
        loss = loss + self._settings.value_weight * value + self._settings.view_weight * view
        if share is not None:
            loss = loss + self._settings.share_weight * share
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.gradient_norm)
        self._optimizer.step()
        self._update_ema()
        return torch.stack([loss.detach(), policy.detach(), value.detach()])

    @torch.no_grad()
    def _update_ema(self) -> None:
        average: list[Tensor] = list(self.ema.parameters())
        by: Any = self._ema_step  # torch's stubs allow numbers only
        if isinstance(by, Tensor):
            by = [by] * len(average)
        # One fused call for all weights; a loop would launch a kernel for each of them.
        torch._foreach_lerp_(average, list(self.network.parameters()), by)

    def _changed_tensors(self) -> Iterator[Tensor]:
        """Yield all tensors that a step changes."""
        yield from self.network.parameters()
        yield from self.ema.parameters()
        for state in self._optimizer.state.values():
            yield from state.values()

    def _check_weights(self) -> None:
        # A finite loss does not prove finite weights: a batch may not use all of them, and the
        # losses were computed before the last update. Once per iteration, because it waits for the
        # GPU.
        for name, weight in self.network.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                raise DivergedError(f"weights of {name} are not finite after step {self._steps}")

    def state_dict(self) -> dict[str, Any]:
        """Return everything that training needs to continue bit for bit.

        The EMA is saved under "average", its name in all checkpoints so far.
        """
        optimizer = self._optimizer.state_dict()
        # On a GPU the learning rate is a tensor. A checkpoint holds plain values, so that it can be
        # resumed on any device.
        for group in optimizer["param_groups"]:
            group["lr"] = float(group["lr"])
            group["capturable"] = False
        return {
            "network": self.network.state_dict(),
            "average": self.ema.state_dict(),
            "optimizer": optimizer,
            "steps": self._steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.ema.load_state_dict(state["average"])
        parameters = dict(self.network.named_parameters())
        self._optimizer.load_state_dict(widened_optimizer(state["optimizer"], parameters))
        self._fit_optimizer()
        self._graph_step = None  # the graph holds addresses of the tensors that were replaced
        self._steps = state["steps"]


def uses_cuda_graph(device: torch.device) -> bool:
    """Return True if steps on this device are captured as a CUDA graph."""
    return device.type == "cuda"


def autocast(number_format: str, device: torch.device) -> torch.autocast:
    """Return a context in which linear layers multiply in `fp32` or `bf16`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=number_format == "bf16")


def fastest_format(device: torch.device) -> Literal["fp32", "bf16"]:
    """Return bf16 if the device has instructions for it, else fp32."""
    if device.type == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu.get_capabilities()
        has_bf16 = any(has.get(name, False) for name in _BF16_INSTRUCTIONS)
    return "bf16" if has_bf16 else "fp32"
