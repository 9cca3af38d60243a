"""How fast rounds are played, beside the bare network on the same batches."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple, get_args

import msgspec
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
from blobmaster.config.inference import NumberFormat
from blobmaster.config.network import NetworkSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.inference.backend import Backend, check, launch, wait
from blobmaster.inference.compiled import Passes, plan_of
from blobmaster.inference.cpu_plans import bind_rows
from blobmaster.inference.cuda_graphs import cuda_graphs_for
from blobmaster.inference.evaluator import NetworkEvaluator, choose_device
from blobmaster.inference.precision import (
    PROVEN,
    convert,
    evaluations_per_second,
    fastest,
)
from blobmaster.kernels.compile import kernel
from blobmaster.model.features import FEATURES, WHOLE_FEATURES
from blobmaster.model.layers import Parts
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool, default_workers

BY_SEARCH = SelfPlaySettings(decide_by="search")
BY_LOOKAHEAD = SelfPlaySettings(decide_by="lookahead")
BATCH = 152
"""Rows that number formats are compared at: about those of a step of the search."""

BLOCKS = 4
"""Each worker plays by search; a default iteration has 16, eight for each of two workers."""

BARE_CALLS = 40
TURNS = (1, 2, 3)
SLOTS = (64, 256, 1024)
"""What the search is measured with on a GPU."""

SCALINGS = ("alone", "bare_alone", "together", "bare_together")

TINY = NetworkSettings(width=16, blocks=1)
MANY = 100_000
"""Rounds in a row, by a network that takes next to no time: the time that their last fifth takes
is told beside that of their second."""


class _Asked(NamedTuple):
    """What all evaluators of a part asked it."""

    rows: int
    batches: int

    @property
    def batch(self) -> int:
        """Rows of a batch."""
        return round(self.rows / max(self.batches, 1))


class _Meter:
    """Counts what evaluators ask the network. An evaluation is a row of the critic's."""

    def __init__(self) -> None:
        self._watched: list[NetworkEvaluator] = []

    def evaluator(
        self, network: Parts, capacity: int, device: torch.device, *, backend: Backend | None
    ) -> NetworkEvaluator:
        """An evaluator that this meter watches."""
        evaluator = NetworkEvaluator(network, capacity, device, backend=backend)
        self._watched.append(evaluator)
        return evaluator

    def clear(self) -> None:
        """Count from nothing."""
        for evaluator in self._watched:
            for passes in evaluator.asked:
                passes.asked[:] = 0

    @property
    def actor(self) -> _Asked:
        """What the actor was asked."""
        return self._sum(0)

    @property
    def critic(self) -> _Asked:
        """What the critic was asked."""
        return self._sum(1)

    def _sum(self, part: int) -> _Asked:
        asked = [evaluator.asked[part].asked for evaluator in self._watched]
        return _Asked(
            sum(int(rows) for rows, _ in asked), sum(int(batches) for _, batches in asked)
        )


class _Setting(NamedTuple):
    """What plays in a measurement."""

    network: BlobNetwork
    """On the device."""
    number_format: NumberFormat
    settings: SelfPlaySettings
    workers: int
    device: torch.device
    turns: int

    @property
    def blocks(self) -> int:
        """In play at once."""
        return self.workers * self.turns

    def __str__(self) -> str:
        """As a figure's setting."""
        how = SEARCH if self.settings.decide_by == "search" else "lookahead"
        network = f"{size_of(self.network)} in {self.number_format}"
        where = "" if self.device.type == "cpu" else f" × {self.turns} blocks, {self.device}"
        return f"4 players, 5 cards, {how}, {network}, {self.workers} workers{where}"


class _Playing:
    """A setting's engine, which keeps what a run would keep from one iteration to the next."""

    def __init__(self, setting: _Setting) -> None:
        self._network = setting.network
        self.meter = _Meter()
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
        """How long the whole engine takes for so many rounds, always the same."""
        return self.ends(rounds)[-1]

    def ends(self, rounds: int) -> list[float]:
        """After how many seconds each block of so many rounds was done."""
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


def _setting(shape: NetworkSettings, settings: SelfPlaySettings, workers: int) -> _Setting:
    device = choose_device("auto")
    network = new_network(shape, 0).eval().to(device)
    chosen = fastest(evaluations_per_second(network, BATCH, PROVEN[settings.decide_by]))
    return _Setting(network, chosen, settings, workers, device, turns=1)


def measure_selfplay(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_SEARCH
) -> Figures:
    """Rounds a minute of the whole engine by search, beside the bare network at the same batch.

    Each worker plays some blocks: a run packs the weights once for so many.
    """
    setting = _setting(shape, settings, default_workers(0))
    rounds = BLOCKS * setting.blocks * settings.rounds_per_block
    speeds: dict[str, list[float]] = {"rounds": [], "evals": [], "bare": []}
    playing = _Playing(setting)
    playing.seconds(rounds)
    meter = playing.meter
    for _ in range(REPEATS):
        elapsed = playing.seconds(rounds)
        speeds["rounds"].append(60 * rounds / elapsed)
        speeds["evals"].append(meter.critic.rows / elapsed)
        speeds["bare"].append(_bare_speed(setting, meter))
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
    rounds = 8 * setting.blocks * settings.rounds_per_block
    playing = _Playing(setting)
    playing.seconds(rounds)
    speeds = [60 * rounds / playing.seconds(rounds) for _ in range(REPEATS)]
    return {"setting": str(setting), "rounds_per_min": statistics.median(speeds)}


def measure_scaling(
    shape: NetworkSettings = DEFAULT_SHAPE,
    settings: SelfPlaySettings = BY_SEARCH,
    many: int = MANY,
) -> Figures:
    """What more workers bring, and whether a round costs the same among many as among few."""
    workers = default_workers(0)
    block = settings.rounds_per_block
    alone = _Playing(_setting(shape, settings, 1))
    all_cores = _setting(shape, settings, workers)
    together = _Playing(all_cores)
    alone.seconds(block)
    together.seconds(workers * block)
    speeds: dict[str, list[float]] = {name: [] for name in SCALINGS}
    for _ in range(REPEATS):
        speeds["alone"].append(block / alone.seconds(block))
        speeds["bare_alone"].append(_bare_speed(all_cores._replace(workers=1), alone.meter))
        speeds["together"].append(workers * block / together.seconds(workers * block))
        speeds["bare_together"].append(_bare_speed(all_cores, together.meter))
    ends = _Playing(_setting(TINY, BY_LOOKAHEAD, workers)).ends(many)
    fifth = len(ends) // 5
    return {
        "setting": str(all_cores),
        "times_one_worker": _median_ratio(speeds["together"], speeds["alone"]),
        "bare_times_one_worker": _median_ratio(speeds["bare_together"], speeds["bare_alone"]),
        f"last_fifth_of_{many}_rounds": (ends[-1] - ends[-1 - fifth])
        / (ends[2 * fifth] - ends[fifth]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure_turns(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """Rounds a minute by search on a GPU: blocks that take turns, and rounds side by side in each.

    Of the fastest, what each repeat played tells the median.
    """
    usual = _setting(shape, BY_SEARCH, default_workers(0))
    if usual.device.type != "cuda":
        return {"setting": "no GPU is here"}
    figures: Figures = {}
    for turns in TURNS:
        for lanes in SLOTS:
            settings = msgspec.structs.replace(
                BY_SEARCH, lanes=lanes, rounds_per_block=max(lanes, BY_SEARCH.rounds_per_block)
            )
            setting = usual._replace(settings=settings, turns=turns)
            rounds = setting.blocks * settings.rounds_per_block
            playing = _Playing(setting)
            playing.seconds(rounds)
            speeds = [60 * rounds / playing.seconds(rounds) for _ in range(REPEATS)]
            figures[f"rounds_per_min_{turns}_turns_{lanes}_lanes"] = statistics.median(speeds)
    return {
        "setting": str(usual),
        **figures,
        "card_memory_mb": torch.cuda.max_memory_reserved(usual.device) / 1e6,
    }


def _median_ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, others, strict=True))


def _bare_speed(setting: _Setting, meter: _Meter) -> float:
    """Evaluations a second of the network alone, asked for the batches that the meter counted.

    There are as many threads, each with batches of its own; a GPU replays its passes.
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
            for call in range(BARE_CALLS):
                if int((call + 1) * actor_share) > int(call * actor_share):
                    act()
                judge()
        return BARE_CALLS * judges

    pool = LocalPool(setting.blocks, prepare=use_one_thread)
    began = time.perf_counter()
    ask = repeat if setting.device.type == "cpu" else replay
    rows = sum(done for _, done in pool.map(ask, range(setting.blocks)))
    return rows / (time.perf_counter() - began)


@kernel
def _replay(passes: Passes, acts: int, judges: int, actor_share: float) -> int:
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
