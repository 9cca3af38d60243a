"""Trains the network on batches from the replay window, and keeps the average that plays."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from blobmaster.config.learning import LearningSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import ACTION_COUNT
from blobmaster.kernels.rng import generator
from blobmaster.model.game_features import STANDING
from blobmaster.model.heads import BID_OUTPUTS, TRICK_COUNTS, TRICK_OUTPUTS
from blobmaster.model.network import BlobNetwork
from blobmaster.training.cuda_step import CudaGraphStep
from blobmaster.training.replay_buffer import ABSENT, Batch, ReplayWindow, new_batch

_IMPOSSIBLE = -1e9
"""The logit of an action or count that cannot be: finite, so that 0 × it stays 0."""

_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""What torch calls them on x86-64 and on arm64."""


class DivergedError(ArithmeticError):
    """A loss or a weight is no longer a finite number; nothing of the step may be committed."""


class Losses(NamedTuple):
    """Means over the steps of an iteration."""

    total: float
    policy: float
    value: float


class Learner:
    """The network in training with its optimizer, and the average of its weights."""

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
        # A recorded step reads them from the GPU; else they are plain numbers.
        self._is_recorded = is_recorded(device)
        self._rate: Tensor | float = self._number(settings.learning_rate)
        self._forgetting: Tensor | float = self._number(1.0)
        self._fit_optimizer()
        self._replay: CudaGraphStep | None = None
        # Of two, one is drawn while the network learns from the other.
        self._batches = [
            new_batch(settings.batch, of_games=network.sees_games, pinned=device.type == "cuda")
            for _ in range(2)
        ]
        # What a step learns from: on the CPU the batch itself.
        self._tensors = [
            torch.empty_like(torch.from_numpy(array), device=device) for array in self._batches[0]
        ]

    def _number(self, value: float) -> Tensor | float:
        return torch.tensor(value, device=self._device) if self._is_recorded else value

    def _set(self, number: Tensor | float, value: float) -> Tensor | float:
        return number.fill_(value) if isinstance(number, Tensor) else value

    def _fit_optimizer(self) -> None:
        """Have the optimizer take its rate from where it is."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
            group["capturable"] = self._is_recorded

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin from the weights of another network, which may see no games where this one does.

        Raises:
            ValueError: they are of a network of other size.
        """
        self.network.take_over(weights)
        self.ema.load_state_dict(self.network.state_dict())

    def steps_for(self, new_decisions: int) -> int:
        """Steps of an iteration that brought so many new decisions."""
        return max(math.ceil(self._settings.replay_ratio * new_decisions / self._settings.batch), 1)

    def learning_rate(self, iteration: float) -> float:
        """The cosine schedule's rate; `iteration` may lie between two (Loshchilov, Hutter 2017)."""
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
        """Take `steps` optimizer steps; their batches follow from seed and iteration alone.

        Returns:
            The mean losses, or None if it was abandoned: the learner is then between two commits
            and must be thrown away or loaded anew.

        Raises:
            DivergedError: a loss or weight is not finite.
        """
        torch.set_num_threads(self._settings.threads)
        stream = generator(self._seed, "learn", iteration)
        tau = self._settings.tau(iteration)
        sums = np.zeros(3)
        with ThreadPoolExecutor(1, thread_name_prefix="draw") as drawer:
            drawn = drawer.submit(window.draw, stream, tau, self._batches[0])
            for step in range(steps):
                if should_stop():
                    return None
                rate = self.learning_rate(iteration + step / steps)
                drawn.result()
                batch, other = self._batches[step % 2], self._batches[(step + 1) % 2]
                if step + 1 < steps:
                    drawn = drawer.submit(window.draw, stream, tau, other)
                sums += self._step(batch, rate)
                on_step()
        self._check_weights()
        return Losses(*(sums / steps).tolist())

    def _step(self, batch: Batch, rate: float) -> list[float]:
        """Take a step; its losses."""
        self._steps += 1
        # The average's decay grows with the steps: it forgets where it began.
        decay = min(self._settings.ema_decay, self._steps / (self._steps + 10))
        self._rate = self._set(self._rate, rate)
        self._forgetting = self._set(self._forgetting, 1.0 - decay)
        arrays = [torch.from_numpy(array) for array in batch]
        if self._is_recorded:
            for tensor, array in zip(self._tensors, arrays, strict=True):
                tensor.copy_(array, non_blocking=True)
            if self._replay is None:
                self._replay = CudaGraphStep(self._move, self._moved)
            found = self._replay().tolist()
        else:
            self._tensors = arrays
            found = self._move().tolist()
        if not math.isfinite(found[0]):
            raise DivergedError(f"the loss is {found[0]} at step {self._steps - 1}")
        losses: list[float] = found
        return losses

    def _move(self) -> Tensor:
        """Move weights and average by the batch in `_tensors`; the losses, `[3]`."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
        with multiplying(self._settings.number_format, self._device):
            policy, value, view, share = losses(self.network, *self._tensors)
        loss = policy + self._settings.value_weight * value + self._settings.view_weight * view
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
        by: Any = self._forgetting  # torch's types know of numbers alone
        if isinstance(by, Tensor):
            by = [by] * len(average)
        torch._foreach_lerp_(average, list(self.network.parameters()), by)

    def _moved(self) -> Iterator[Tensor]:
        """What a step changes."""
        yield from self.network.parameters()
        yield from self.ema.parameters()
        for state in self._optimizer.state.values():
            yield from state.values()

    def _check_weights(self) -> None:
        for name, weight in self.network.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                raise DivergedError(f"weights of {name} are not finite after step {self._steps}")

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning needs to go on identically."""
        optimizer = self._optimizer.state_dict()
        for group in optimizer["param_groups"]:  # as on every device
            group["lr"] = float(group["lr"])
            group["capturable"] = False
        return {
            "network": self.network.state_dict(),
            "average": self.ema.state_dict(),
            "optimizer": optimizer,
            "steps": self._steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.ema.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._fit_optimizer()
        self._replay = None  # the optimizer's tensors are others
        self._steps = state["steps"]


def is_recorded(device: torch.device) -> bool:
    """Whether a learning step is recorded and replayed."""
    return device.type == "cuda"


def multiplying(number_format: str, device: torch.device) -> torch.autocast:
    """A context in which linear layers multiply in `fp32` or in `bf16`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=number_format == "bf16")


def fastest_format(device: torch.device) -> Literal["fp32", "bf16"]:
    """The number format that the device has instructions for."""
    if device.type == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu.get_capabilities()
        has_bf16 = any(has.get(name, False) for name in _BF16_INSTRUCTIONS)
    return "bf16" if has_bf16 else "fp32"


class StepLosses(NamedTuple):
    """Cross-entropies of one batch."""

    policy: Tensor
    """Of the actor's policy, over the decisions that have one to learn from."""
    value: Tensor
    """Of the critic's trick distributions, over the seats in play."""
    view: Tensor
    """The same of the actor's, which sees one hand alone, and of whether its bids are made, over
    rounds played in greedy."""
    share: Tensor | None
    """In games, of what a game's standing before the round tells of who wins."""


def losses(
    network: BlobNetwork,
    wholes: Tensor,
    policy: Tensor,
    legal: Tensor,
    tricks: Tensor,
    possible: Tensor,
    shares: Tensor,
    bid: Tensor,
    greedy: Tensor,
) -> StepLosses:
    """The losses of a `Batch`, whose fields are the arguments as tensors."""
    acted, judged = (logits.float() for logits in network(wholes))
    actions, takes, makes = acted.split([ACTION_COUNT, TRICK_OUTPUTS, BID_OUTPUTS], dim=1)
    actions = actions.masked_fill(~legal, _IMPOSSIBLE)
    chosen = policy.sum().clamp(min=1.0)
    # What its own play takes is told by play in earnest; without any, by all there is.
    told = greedy | ~greedy.any()
    return StepLosses(
        -(policy * actions.log_softmax(dim=1)).sum() / chosen,
        _trick_loss(judged, tricks, possible),
        _trick_loss(takes, tricks.where(told[:, None], ABSENT), possible)
        + _bid_loss(makes, bid.where(told, ABSENT), tricks[:, 0]),
        None if network.standing is None else _share_loss(network.standing, wholes, tricks, shares),
    )


def _share_loss(standing: nn.Module, wholes: Tensor, tricks: Tensor, shares: Tensor) -> Tensor:
    logits = standing(wholes[:, STANDING]).float().masked_fill(tricks == ABSENT, _IMPOSSIBLE)
    return functional.cross_entropy(logits, shares)


def _trick_loss(logits: Tensor, tricks: Tensor, possible: Tensor) -> Tensor:
    counts = logits.view(-1, MAX_PLAYERS, TRICK_COUNTS).masked_fill(~possible, _IMPOSSIBLE)
    return functional.cross_entropy(counts.flatten(0, 1), tricks.flatten(), ignore_index=ABSENT)


def _bid_loss(logits: Tensor, bid: Tensor, tricks: Tensor) -> Tensor:
    """Of the log odds of the bids that were bid; 0 where there are none."""
    bids = bid != ABSENT
    odds = logits.gather(1, bid.clamp(min=0)[:, None])[:, 0]
    made = (tricks == bid).float()
    loss = functional.binary_cross_entropy_with_logits(odds, made, reduction="none")
    return (loss * bids).sum() / bids.sum().clamp(min=1)
