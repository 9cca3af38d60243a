"""`[learning]`: the replay window, the optimizer and the training targets."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from blobmaster.config.flag import Flag

_CHANGE = 0.1
"""Share of the schedule over which the policy's loss changes."""


class LearningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The replay window, the optimizer and the training targets."""

    window: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 500_000
    """Most decisions in the replay window. When it is full, the oldest rounds are dropped. It
    should hold those of `replay_ratio` iterations; a run whose window does not even hold one
    warns."""

    batch: Annotated[int, Meta(ge=1, le=262_144)] = 1024
    """Decisions per optimizer step."""

    replay_ratio: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    """Number of times that a new decision is learned from. An iteration takes
    `replay_ratio × new decisions / batch` steps, and learns once from each decision of the newest
    `replay_ratio` iterations in the window."""

    learning_rate: Annotated[float, Meta(gt=0), Flag("--learning-rate")] = 1e-3
    """Learning rate of the first iteration."""

    last_learning_rate: Annotated[float, Meta(gt=0), Flag("--last-learning-rate")] = 2e-5
    """Learning rate at the end of the cosine schedule and after it."""

    schedule_iterations: Annotated[int, Meta(ge=1, le=1_000_000), Flag("--schedule-iterations")] = (
        500
    )
    """Iteration at which the cosine schedule of the learning rate ends. It does not follow
    `run.iterations`, so that a run that is extended, or made in two halves, learns exactly like an
    uninterrupted one. Later iterations train at `last_learning_rate`; a run that is extended beyond
    the schedule says so."""

    weight_decay: Annotated[float, Meta(ge=0)] = 1e-4
    """Weight decay of AdamW."""

    gradient_norm: Annotated[float, Meta(gt=0)] = 5.0
    """Largest norm of the gradient; a larger one is clipped."""

    value_weight: Annotated[float, Meta(ge=0)] = 1.0
    """Weight of the critic's loss relative to the policy loss."""

    view_weight: Annotated[float, Meta(ge=0)] = 0.25
    """Auxiliary loss weight of the actor's own predictions: tricks of each seat, and whether its
    bid is made."""

    share_weight: Annotated[float, Meta(ge=0)] = 1.0
    """In phase 2, loss weight of the win shares predicted from a game's standing."""

    ema_decay: Annotated[float, Meta(ge=0, lt=1)] = 0.999
    """Decay per step of the exponential moving average (EMA) of the weights, which is the network
    that plays."""

    first_tau: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Temperature of the policy targets in the first iteration: they are raised to the power of
    1 / tau and normalized."""

    last_tau: Annotated[float, Meta(gt=0, le=1)] = 0.7
    """Temperature of the policy targets from iteration `tau_iterations` on."""

    tau_iterations: Annotated[int, Meta(ge=1, le=1_000_000)] = 200
    """Iterations over which tau goes linearly from `first_tau` to `last_tau`."""

    mean_log_from: Annotated[float, Meta(ge=0, le=1)] = 0.7
    """Share of `schedule_iterations` after which the policy is fitted to the mean logarithm of its
    targets, by the reverse KL divergence, instead of to their mean. The change takes a tenth of the
    schedule; at 1 it never comes. The mean is learned faster; the mean logarithm maximizes the mean
    value over deals, and makes drawn actions as good as the most likely ones."""

    number_format: Literal["auto", "fp32", "bf16"] = "auto"
    """Number format of matrix products in training; weights, losses and sums stay in fp32. `auto`
    takes bf16 where the machine has instructions for it. It is decided when the run starts and then
    kept."""

    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    """CPU threads of an optimizer step; 0 takes one per core, within a container's CPU quota.
    It is decided when the run starts and then kept, because the order of sums depends on it."""

    def tau(self, iteration: int) -> float:
        """Return the temperature of the policy targets in an iteration (0-based)."""
        share = min(iteration / self.tau_iterations, 1.0)
        tau = self.first_tau + share * (self.last_tau - self.first_tau)
        # The mean logarithm is not sharpened: each iteration would multiply the logarithm of the
        # last policy by 1 / tau, whatever the values say.
        return tau + self.reverse_share(iteration) * (1.0 - tau)

    def reverse_share(self, iteration: int) -> float:
        """Return the reverse KL divergence's share of the policy loss; `iteration` is 0-based."""
        since = iteration / self.schedule_iterations - self.mean_log_from
        # At 1 the change never comes, also in a run that is extended beyond the schedule.
        if self.mean_log_from == 1.0:
            return 0.0
        return min(max(since / _CHANGE, 0.0), 1.0)
