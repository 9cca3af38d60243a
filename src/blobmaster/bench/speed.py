"""Measure the speed of learning steps and of the rules."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.bench.common import (
    DEFAULT_SHAPE,
    MIX,
    REPEATS,
    Figures,
    filled_window,
    seconds,
    size_of,
)
from blobmaster.config.config import Config
from blobmaster.config.learning import LearningSettings
from blobmaster.config.network import NetworkSettings
from blobmaster.game.rules import MAX_LEGAL, STATE, apply, deal_into, is_over, legal_actions
from blobmaster.inference.evaluator import choose_device
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, below, generator, stream
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.deals import deal
from blobmaster.training.autotune import autotuned
from blobmaster.training.learner import Learner, autocast
from blobmaster.training.losses import losses
from blobmaster.training.replay_buffer import ReplayWindow, new_batch


def measure_learner(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """Measure a learning step, beside bare forward, backward and optimizer on equal tensors."""
    settings = autotuned(Config()).learning
    device = choose_device("auto")
    network = new_network(shape, 0)
    learner = Learner(network, settings, 0, device)
    window = filled_window(settings.batch)
    bare = _bare_step(learner.network, window, settings, device)
    steps = 8
    times: dict[str, list[float]] = {"step": [], "bare": []}
    for repeat in range(REPEATS):
        began = time.perf_counter()
        learner.learn(repeat, window, steps, on_step=lambda: None, should_stop=lambda: False)
        times["step"].append((time.perf_counter() - began) / steps)
        times["bare"].append(statistics.median(seconds(bare) for _ in range(steps)))
    return {
        "setting": f"batch {settings.batch}, {size_of(network)}, {settings.number_format}, "
        f"{settings.threads} threads, {device}",
        "step_ms": 1e3 * statistics.median(times["step"]),
        "bare_step_ms": 1e3 * statistics.median(times["bare"]),
        "times_bare": statistics.median(
            mine / its for mine, its in zip(times["step"], times["bare"], strict=True)
        ),
    }


def _bare_step(
    network: BlobNetwork, window: ReplayWindow, settings: LearningSettings, device: torch.device
) -> Callable[[], None]:
    batch = new_batch(settings.batch)
    window.read(window.order(generator(0, "bench"), settings.batch, settings.batch), 1.0, batch)
    tensors = [torch.from_numpy(array).to(device) for array in batch]
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        with autocast(settings.number_format, device):
            policy, _, value, view, _ = losses(network, *tensors)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(policy + value + view)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def measure_engine() -> Figures:
    """Measure the rules alone: random rounds per second on one core."""
    rounds = 20_000
    deals = deal(MIX, rounds, generator(0, "bench"))
    _play_randomly(deals.plan[:1], deals.deck[:1], stream(0, "bench"))
    speeds = [
        rounds / seconds(lambda: _play_randomly(deals.plan, deals.deck, stream(0, "bench")))
        for _ in range(REPEATS)
    ]
    return {
        "setting": "4 players, 5 cards, random actions, one core",
        "rounds_per_s": statistics.median(speeds),
    }


@kernel
def _play_randomly(plan: npt.NDArray[np.int64], deck: npt.NDArray[np.int64], draws: Stream) -> None:
    legal = np.empty(MAX_LEGAL, np.int64)
    state = np.empty(STATE, np.int64)
    for number in range(len(plan)):
        deal_into(
            state, plan[number, 0], plan[number, 1], plan[number, 2], plan[number, 3], deck[number]
        )
        while not is_over(state):
            count = legal_actions(state, legal)
            apply(state, legal[below(draws, count)])
