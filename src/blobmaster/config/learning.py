"""The settings of learning, checked where they are made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class LearnSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replay, optimizer and targets."""

    window: Annotated[int, Meta(ge=1)] = 500_000
    """Decisions that the replay window holds; the oldest rounds make room."""

    batch: Annotated[int, Meta(ge=1)] = 1024
    replay_ratio: Annotated[float, Meta(gt=0)] = 4.0
    """Times that a new decision is drawn on average: sets an iteration's steps."""

    learning_rate: Annotated[float, Meta(gt=0)] = 1e-3
    last_learning_rate: Annotated[float, Meta(gt=0)] = 2e-5
    schedule_iterations: Annotated[int, Meta(ge=1)] = 500
    """Where the cosine ends. Not the run's length: a run that is extended, or made in two halves,
    learns what a single one learns."""

    weight_decay: Annotated[float, Meta(ge=0)] = 1e-4
    gradient_norm: Annotated[float, Meta(gt=0)] = 5.0
    """Gradients are clipped to this norm."""

    value_weight: Annotated[float, Meta(ge=0)] = 1.0
    """Weight of the critic's loss beside the policy's."""

    view_weight: Annotated[float, Meta(ge=0)] = 0.25
    """Weight of the loss of the actor's own trick distributions."""

    share_weight: Annotated[float, Meta(ge=0)] = 1.0
    """In games, weight of the loss of what is told of the share of the win."""

    ema_decay: Annotated[float, Meta(ge=0, lt=1)] = 0.999
    """Decay a step of the average of weights that plays."""

    first_tau: Annotated[float, Meta(gt=0, le=1)] = 1.0
    last_tau: Annotated[float, Meta(gt=0, le=1)] = 0.7
    tau_iterations: Annotated[int, Meta(ge=1)] = 200
    """Policy targets are sharpened to the power of 1 / tau, which falls in a line to `last_tau`."""

    number_format: Literal["auto", "fp32", "bf16"] = "auto"
    """In which the passes through the network multiply; weights, losses and sums stay fp32. `auto`
    is bf16 where the machine multiplies it faster, decided when the run starts, and then kept."""

    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    """CPU threads of a learning step; 0 is one a core when the run starts, and then kept."""

    def tau(self, iteration: int) -> float:
        """The sharpening of an iteration's policy targets."""
        share = min(iteration / self.tau_iterations, 1.0)
        return self.first_tau + share * (self.last_tau - self.first_tau)
