"""How fast rounds are played, beside the bare network on the same batches."""

from __future__ import annotations

import resource
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.bench.common import (
    DEFAULT_SHAPE,
    MIX,
    REPEATS,
    SEARCH,
    Figures,
    size_of,
    use_one_thread,
)
from blobmaster.net.formats import PROVEN, Forward, Parts, evaluations_per_second, fastest, packed
from blobmaster.net.inference import NetworkEvaluator
from blobmaster.net.model import BlobNetwork, new_network
from blobmaster.net.observation import FEATURES, WHOLE_FEATURES
from blobmaster.net.settings import NetworkSettings, NumberFormat
from blobmaster.play.pool import LocalPool, default_workers
from blobmaster.play.selfplay import SelfPlayEngine
from blobmaster.play.settings import SelfPlaySettings

BY_SEARCH = SelfPlaySettings(decide_by="search")
BY_LOOKAHEAD = SelfPlaySettings(decide_by="lookahead")
BATCH = 152
"""Rows that number formats are compared at: about those of a step of the search."""

BARE_CALLS = 40
MANY = 8
"""Blocks that one worker plays, to see that its last is as fast as its first."""


@dataclass
class _Part:
    """What the actor or the critic was asked."""

    rows: int = 0
    calls: int = 0
    seconds: float = 0.0
    """In it, of all threads together."""

    @property
    def batch(self) -> int:
        return round(self.rows / max(self.calls, 1))


@dataclass
class _Meter:
    """Counts what evaluators ask the network. An evaluation is a row of the critic's."""

    actor: _Part = field(default_factory=_Part)
    critic: _Part = field(default_factory=_Part)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def evaluator(self, network: Parts, rows: int, device: torch.device) -> NetworkEvaluator:
        """An evaluator that this meter watches."""
        return _MeteredEvaluator(self, network, rows, device)


class _MeteredEvaluator(NetworkEvaluator):
    def __init__(self, meter: _Meter, network: Parts, rows: int, device: torch.device) -> None:
        super().__init__(network, rows, device)
        self._meter = meter

    def _forward(self, part: Forward, rows: torch.Tensor) -> npt.NDArray[np.float32]:
        began = time.perf_counter()
        outputs = super()._forward(part, rows)
        spent = time.perf_counter() - began
        meter = self._meter
        counted = meter.actor if part is self._network.actor else meter.critic
        with meter.lock:
            counted.rows += len(rows)
            counted.calls += len(rows) > 0
            counted.seconds += spent
        return outputs


class _Setting(NamedTuple):
    """What plays in a measurement."""

    network: BlobNetwork
    number_format: NumberFormat
    settings: SelfPlaySettings
    workers: int

    def play(self, rounds: int, meter: _Meter | None = None) -> float:
        """Seconds that the whole engine takes for so many rounds."""
        engine = SelfPlayEngine(
            LocalPool(self.workers, prepare=use_one_thread),
            MIX,
            self.settings,
            0,
            torch.device("cpu"),
            self.number_format,
            make_evaluator=(meter or _Meter()).evaluator,
        )
        began = time.perf_counter()
        for _ in engine.play(
            0,
            self.network,
            SEARCH,
            rounds,
            range(engine.block_count(rounds)),
            abandon=lambda: False,
            on_rounds=lambda _: None,
        ):
            pass
        return time.perf_counter() - began

    def __str__(self) -> str:
        """As a figure's setting."""
        how = SEARCH if self.settings.decide_by == "search" else "lookahead"
        network = f"{size_of(self.network)} in {self.number_format}"
        return f"4 players, 5 cards, {how}, {network}, {self.workers} workers"


def _setting(shape: NetworkSettings, settings: SelfPlaySettings, workers: int) -> _Setting:
    network = new_network(shape, 0).eval()
    chosen = fastest(evaluations_per_second(network, BATCH, PROVEN[settings.decide_by]))
    return _Setting(network, chosen, settings, workers)


def measure_selfplay(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_SEARCH
) -> Figures:
    """Rounds a minute of the whole engine by search, beside the bare network at the same batch.

    Each worker plays a block.
    """
    setting = _setting(shape, settings, default_workers(0))
    rounds = setting.workers * settings.rounds_per_block
    speeds: dict[str, list[float]] = {"rounds": [], "evals": [], "share": [], "bare": []}
    setting.play(8)
    for _ in range(REPEATS):
        meter = _Meter()
        elapsed = setting.play(rounds, meter)
        speeds["rounds"].append(60 * rounds / elapsed)
        speeds["evals"].append(meter.critic.rows / elapsed)
        in_network = meter.actor.seconds + meter.critic.seconds
        speeds["share"].append(in_network / setting.workers / elapsed)
        speeds["bare"].append(_bare_speed(setting, meter))
    return {
        "setting": str(setting),
        "rounds_per_min": statistics.median(speeds["rounds"]),
        "evals_per_s": statistics.median(speeds["evals"]),
        "evaluator_evals_per_s": statistics.median(speeds["bare"]),
        "share_of_evaluator": _median_ratio(speeds["evals"], speeds["bare"]),
        "network_share": statistics.median(speeds["share"]),
        "evals_per_round": meter.critic.rows / rounds,
        "mean_batch": meter.critic.batch,
        "mean_batch_of_actor": meter.actor.batch,
    }


def measure_formats(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """Evaluations a second of the bare network in every number format, on one core."""
    network = new_network(shape, 0).eval()
    speeds = evaluations_per_second(network, BATCH, get_args(NumberFormat))
    return {
        "setting": f"batch {BATCH}, {size_of(network)}, one core",
        **{f"{name}_evals_per_s": speed for name, speed in speeds.items()},
    }


def measure_lookahead(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_LOOKAHEAD
) -> Figures:
    """Rounds a minute of the whole engine by looking one action ahead, as a run does by default.

    Each worker plays eight blocks.
    """
    setting = _setting(shape, settings, default_workers(0))
    rounds = 8 * setting.workers * settings.rounds_per_block
    setting.play(8)
    speeds = [60 * rounds / setting.play(rounds) for _ in range(REPEATS)]
    return {"setting": str(setting), "rounds_per_min": statistics.median(speeds)}


def measure_scaling(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_SEARCH
) -> Figures:
    """What more workers bring, and whether a round costs the same among many as among few."""
    alone = _setting(shape, settings, 1)
    together = alone._replace(workers=default_workers(0))
    block = settings.rounds_per_block
    alone.play(8)
    speeds: dict[str, list[float]] = {"alone": [], "together": [], "many": []}
    for _ in range(REPEATS):
        speeds["alone"].append(block / alone.play(block))
        speeds["together"].append(
            together.workers * block / together.play(together.workers * block)
        )
        speeds["many"].append(MANY * block / alone.play(MANY * block))
    return {
        "setting": str(together),
        "times_one_worker": _median_ratio(speeds["together"], speeds["alone"]),
        "speed_of_many_blocks": _median_ratio(speeds["many"], speeds["alone"]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _median_ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, others, strict=True))


def _bare_speed(setting: _Setting, meter: _Meter) -> float:
    """Evaluations a second of the network alone, asked for the batches that the meter counted.

    There are as many threads, each with batches of its own.
    """
    parts = packed(setting.network, setting.number_format)
    actor_share = meter.actor.calls / meter.critic.calls

    def repeat(number: int) -> int:
        draws = torch.Generator().manual_seed(number)
        views = torch.rand(meter.actor.batch, FEATURES, generator=draws)
        wholes = torch.rand(meter.critic.batch, WHOLE_FEATURES, generator=draws)
        with torch.inference_mode():
            for call in range(BARE_CALLS):
                if int((call + 1) * actor_share) > int(call * actor_share):
                    parts.actor(views)
                parts.critic(wholes)
        return BARE_CALLS * meter.critic.batch

    pool = LocalPool(setting.workers, prepare=use_one_thread)
    began = time.perf_counter()
    rows = sum(done for _, done in pool.map(repeat, range(setting.workers)))
    return rows / (time.perf_counter() - began)
