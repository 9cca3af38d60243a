"""Self-play engines and bare networks to measure: settings, evaluation counts, and timing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch

from blobmaster.bench.common import MIX, SEARCH, size_of
from blobmaster.config.inference import NumberFormat
from blobmaster.config.network import NetworkSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.inference.backend import Backend, check, launch, wait
from blobmaster.inference.compiled import Passes, plan_of
from blobmaster.inference.cpu_plans import bind_rows
from blobmaster.inference.cuda_graphs import cuda_graphs_for
from blobmaster.inference.evaluator import NetworkEvaluator, choose_device, use_one_thread
from blobmaster.inference.precision import PROVEN, convert, evaluations_per_second, fastest
from blobmaster.kernels.compile import kernel
from blobmaster.model.features import FEATURES, WHOLE_FEATURES
from blobmaster.model.layers import Parts
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool

BATCH = 152
"""Rows per batch to compare number formats at: about those of a step of the search."""

BARE_CALLS = 40
"""Batches of the critic that each thread evaluates to measure the bare network."""


class EvaluationCount(NamedTuple):
    """Rows and batches that one part of the network has evaluated."""

    rows: int
    batches: int

    @property
    def batch(self) -> int:
        """Mean rows per batch."""
        return round(self.rows / max(self.batches, 1))


class EvaluationMeter:
    """Counts the rows and batches that its evaluators ask the network for."""

    def __init__(self) -> None:
        self._watched: list[NetworkEvaluator] = []

    def evaluator(
        self, network: Parts, capacity: int, device: torch.device, *, backend: Backend | None
    ) -> NetworkEvaluator:
        """Make an evaluator that this meter counts."""
        evaluator = NetworkEvaluator(network, capacity, device, backend=backend)
        self._watched.append(evaluator)
        return evaluator

    def clear(self) -> None:
        """Reset the counts to 0."""
        for evaluator in self._watched:
            for passes in evaluator.counted:
                passes.counts[:] = 0

    @property
    def actor(self) -> EvaluationCount:
        """Counts of the actor."""
        return self._sum(0)

    @property
    def critic(self) -> EvaluationCount:
        """Counts of the critic: its rows are the evaluations in the figures."""
        return self._sum(1)

    def _sum(self, part: int) -> EvaluationCount:
        asked = [evaluator.counted[part].counts for evaluator in self._watched]
        return EvaluationCount(
            sum(int(rows) for rows, _ in asked), sum(int(batches) for _, batches in asked)
        )


class PlaySetting(NamedTuple):
    """Everything that a measured speed depends on."""

    network: BlobNetwork
    """On `device`."""
    number_format: NumberFormat
    settings: SelfPlaySettings
    workers: int
    device: torch.device
    blocks_per_worker: int

    @property
    def blocks(self) -> int:
        """Number of blocks in play at the same time."""
        return self.workers * self.blocks_per_worker

    def __str__(self) -> str:
        """Describe the setting beside a figure."""
        how = SEARCH if self.settings.decide_by == "search" else "lookahead"
        network = f"{size_of(self.network)} in {self.number_format}"
        where = (
            ""
            if self.device.type == "cpu"
            else f" × {self.blocks_per_worker} blocks, {self.device}"
        )
        return f"4 players, 5 cards, {how}, {network}, {self.workers} workers{where}"


class MeasuredEngine:
    """A self-play engine that keeps its evaluators between repeats, as a run does."""

    def __init__(self, setting: PlaySetting) -> None:
        self._network = setting.network
        self.meter = EvaluationMeter()
        self._engine = SelfPlayEngine(
            LocalPool(setting.blocks, prepare=use_one_thread),
            MIX,
            setting.settings,
            0,
            setting.device,
            setting.number_format,
            make_evaluator=self.meter.evaluator,
        )

    def seconds(self, rounds: int) -> float:
        """Return the seconds that the engine takes for so many rounds, the same ones each time."""
        return self.block_times(rounds)[-1]

    def block_times(self, rounds: int) -> list[float]:
        """Return after how many seconds each block of so many rounds was finished."""
        self.meter.clear()
        began = time.perf_counter()
        blocks = self._engine.play(
            0,
            self._network,
            SEARCH,
            rounds,
            range(self._engine.block_count(rounds)),
            should_stop=lambda: False,
            on_rounds=lambda _: None,
        )
        return [time.perf_counter() - began for _ in blocks]


def fastest_setting(
    shape: NetworkSettings, settings: SelfPlaySettings, workers: int
) -> PlaySetting:
    """Return a setting with a new network in the fastest number format that a run would use."""
    device = choose_device("auto")
    network = new_network(shape, 0).eval().to(device)
    chosen = fastest(evaluations_per_second(network, BATCH, PROVEN[settings.decide_by]))
    return PlaySetting(network, chosen, settings, workers, device, blocks_per_worker=1)


def bare_speed(setting: PlaySetting, meter: EvaluationMeter) -> float:
    """Return evaluations per second of the network alone, at the batch sizes of the meter.

    It runs in as many threads as the engine, each with its own batches. On a GPU, compiled code
    replays the same CUDA graphs as self-play does.
    """
    parts = convert(setting.network, setting.number_format)
    acts, judges = meter.actor.batch, meter.critic.batch
    actor_share = meter.actor.batches / meter.critic.batches
    if setting.device.type == "cuda":
        evaluators = [
            NetworkEvaluator(
                parts, max(acts, judges), setting.device, backend=cuda_graphs_for(setting.device)
            )
            for _ in range(setting.blocks)
        ]
        for evaluator in evaluators:
            evaluator.passes(acts, judges)

    def replay(number: int) -> int:
        passes = evaluators[number].passes(acts, judges)
        assert passes is not None
        check(_replay(passes, acts, judges, actor_share))
        return BARE_CALLS * judges

    def repeat(number: int) -> int:
        draws = torch.Generator().manual_seed(number)
        views = torch.rand(acts, FEATURES, generator=draws)
        wholes = torch.rand(judges, WHOLE_FEATURES, generator=draws)
        act, judge = bind_rows(parts.actor, views), bind_rows(parts.critic, wholes)
        with torch.inference_mode():
            # The actor evaluates in a share of the steps only: spread those calls evenly.
            for call in range(BARE_CALLS):
                if int((call + 1) * actor_share) > int(call * actor_share):
                    act()
                judge()
        return BARE_CALLS * judges

    began = time.perf_counter()
    ask = repeat if setting.device.type == "cpu" else replay
    with ThreadPoolExecutor(setting.blocks, initializer=use_one_thread) as threads:
        rows = sum(threads.map(ask, range(setting.blocks)))
    return rows / (time.perf_counter() - began)


@kernel
def _replay(passes: Passes, acts: int, judges: int, actor_share: float) -> int:
    """Launch the passes of a block without its game and its trees; return the error code."""
    actor, critic = plan_of(passes.actor, acts), plan_of(passes.critic, judges)
    for call in range(BARE_CALLS):
        asked = int((call + 1) * actor_share) > int(call * actor_share)
        code = launch(passes.handles, actor) if asked else 0
        if code == 0:
            code = launch(passes.handles, critic)
        if code == 0:
            code = wait(passes.handles)
        if code != 0:
            return code
    return 0
