"""Measure the speed of self-play, beside the bare network on the same batches."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Sequence
from typing import get_args

import msgspec
import torch

from blobmaster.bench.common import (
    DEFAULT_SHAPE,
    REPEATS,
    Figures,
    size_of,
)
from blobmaster.bench.playing import BATCH, MeasuredEngine, bare_speed, fastest_setting
from blobmaster.config.inference import NumberFormat
from blobmaster.config.network import NetworkSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.inference.precision import (
    evaluations_per_second,
)
from blobmaster.model.network import new_network
from blobmaster.selfplay.pool import default_workers

BY_SEARCH = SelfPlaySettings(decide_by="search")
BY_LOOKAHEAD = SelfPlaySettings(decide_by="lookahead")
BLOCKS = 4
"""Blocks per worker and repeat by search. A default iteration has 16."""

BLOCKS_PER_WORKER = (1, 2, 3)
LANES = (64, 256, 1024)
"""Lanes per block to measure the search with on a GPU."""

SCALINGS = ("alone", "bare_alone", "together", "bare_together")

TINY = NetworkSettings(width=16, blocks=1)
MANY = 100_000
"""Rounds in a row, by a network that takes almost no time, to see whether play slows down: the time
of the last fifth is compared with that of the second fifth."""


def measure_selfplay(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_SEARCH
) -> Figures:
    """Measure rounds per minute by search, beside the bare network at the same batch sizes.

    Each worker plays `BLOCKS` blocks per repeat, because a run converts the weights once for
    several blocks.
    """
    setting = fastest_setting(shape, settings, default_workers(0))
    rounds = BLOCKS * setting.blocks * settings.rounds_per_block
    speeds: dict[str, list[float]] = {"rounds": [], "evals": [], "bare": []}
    engine = MeasuredEngine(setting)
    engine.seconds(rounds)
    meter = engine.meter
    for _ in range(REPEATS):
        elapsed = engine.seconds(rounds)
        speeds["rounds"].append(60 * rounds / elapsed)
        speeds["evals"].append(meter.critic.rows / elapsed)
        speeds["bare"].append(bare_speed(setting, meter))
    return {
        "setting": str(setting),
        "rounds_per_min": statistics.median(speeds["rounds"]),
        "evals_per_s": statistics.median(speeds["evals"]),
        "evaluator_evals_per_s": statistics.median(speeds["bare"]),
        "share_of_evaluator": _median_ratio(speeds["evals"], speeds["bare"]),
        "evals_per_round": meter.critic.rows / rounds,
        "mean_batch": meter.critic.batch,
        "mean_batch_of_actor": meter.actor.batch,
    }


def measure_formats(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """Measure evaluations per second of the bare network in every number format, on one core."""
    network = new_network(shape, 0).eval()
    speeds = evaluations_per_second(network, BATCH, get_args(NumberFormat))
    return {
        "setting": f"batch {BATCH}, {size_of(network)}, one core",
        **{f"{name}_evals_per_s": speed for name, speed in speeds.items()},
    }


def measure_lookahead(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_LOOKAHEAD
) -> Figures:
    """Measure rounds per minute by the one-step lookahead, a run's default.

    Each worker plays eight blocks per repeat.
    """
    setting = fastest_setting(shape, settings, default_workers(0))
    rounds = 8 * setting.blocks * settings.rounds_per_block
    engine = MeasuredEngine(setting)
    engine.seconds(rounds)
    speeds = [60 * rounds / engine.seconds(rounds) for _ in range(REPEATS)]
    return {"setting": str(setting), "rounds_per_min": statistics.median(speeds)}


def measure_scaling(
    shape: NetworkSettings = DEFAULT_SHAPE,
    settings: SelfPlaySettings = BY_SEARCH,
    many: int = MANY,
) -> Figures:
    """Measure the speedup by more workers, and whether a round costs the same after many others."""
    workers = default_workers(0)
    block = settings.rounds_per_block
    alone = MeasuredEngine(fastest_setting(shape, settings, 1))
    all_cores = fastest_setting(shape, settings, workers)
    together = MeasuredEngine(all_cores)
    alone.seconds(block)
    together.seconds(workers * block)
    speeds: dict[str, list[float]] = {name: [] for name in SCALINGS}
    for _ in range(REPEATS):
        speeds["alone"].append(block / alone.seconds(block))
        speeds["bare_alone"].append(bare_speed(all_cores._replace(workers=1), alone.meter))
        speeds["together"].append(workers * block / together.seconds(workers * block))
        speeds["bare_together"].append(bare_speed(all_cores, together.meter))
    block_times = MeasuredEngine(fastest_setting(TINY, BY_LOOKAHEAD, workers)).block_times(many)
    fifth = len(block_times) // 5
    return {
        "setting": str(all_cores),
        "times_one_worker": _median_ratio(speeds["together"], speeds["alone"]),
        "bare_times_one_worker": _median_ratio(speeds["bare_together"], speeds["bare_alone"]),
        f"last_fifth_of_{many}_rounds": (block_times[-1] - block_times[-1 - fifth])
        / (block_times[2 * fifth] - block_times[fifth]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure_turns(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """Measure rounds per minute by search on a GPU, by blocks per worker and lanes per block.

    A worker's blocks take turns: one grows its trees while the GPU evaluates for another.
    """
    usual = fastest_setting(shape, BY_SEARCH, default_workers(0))
    if usual.device.type != "cuda":
        return {"setting": "no GPU is here"}
    figures: Figures = {}
    for blocks_per_worker in BLOCKS_PER_WORKER:
        for lanes in LANES:
            settings = msgspec.structs.replace(
                BY_SEARCH, lanes=lanes, rounds_per_block=max(lanes, BY_SEARCH.rounds_per_block)
            )
            setting = usual._replace(settings=settings, blocks_per_worker=blocks_per_worker)
            rounds = setting.blocks * settings.rounds_per_block
            engine = MeasuredEngine(setting)
            engine.seconds(rounds)
            speeds = [60 * rounds / engine.seconds(rounds) for _ in range(REPEATS)]
            figures[f"rounds_per_min_{blocks_per_worker}_turns_{lanes}_lanes"] = statistics.median(
                speeds
            )
    return {
        "setting": str(usual),
        **figures,
        "card_memory_mb": torch.cuda.max_memory_reserved(usual.device) / 1e6,
    }


def _median_ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, others, strict=True))
