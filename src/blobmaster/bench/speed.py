"""How fast rounds are played and learned from."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.bench.common import (
    MIX,
    REPEATS,
    SEARCH,
    Figures,
    filled_window,
    seconds,
    size_of,
    use_one_thread,
)
from blobmaster.config import Config
from blobmaster.game.rules import (
    MAX_LEGAL,
    STATE,
    State,
    apply,
    deal_into,
    is_over,
    legal_actions,
)
from blobmaster.kernels import kernel
from blobmaster.learn.learner import Learner, losses, multiplying
from blobmaster.learn.replay import ReplayWindow, new_batch
from blobmaster.learn.settings import LearnSettings
from blobmaster.loop import resolved
from blobmaster.net.inference import NetworkEvaluator
from blobmaster.net.model import BlobNetwork, ResidualMLP, new_network
from blobmaster.net.observation import FEATURES, WHOLE_FEATURES
from blobmaster.net.settings import NetworkSettings
from blobmaster.play.deals import deal
from blobmaster.play.pool import LocalPool, default_workers
from blobmaster.play.selfplay import SelfPlayEngine
from blobmaster.play.settings import SelfPlaySettings
from blobmaster.randomness import Stream, below, generator, stream
from blobmaster.search.tree import Priors, Values

BY_SEARCH = SelfPlaySettings(decide_by="search")
BY_LOOKAHEAD = SelfPlaySettings(decide_by="lookahead")
DEFAULT_SHAPE = NetworkSettings()

CPU = torch.device("cpu")


class _Meter:
    """Counts evaluations, and the time that all threads together spend in the network.

    An evaluation is a state that the actor or the critic is asked about.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.evaluations = {"actor": 0, "critic": 0}
        self.batches = {"actor": 0, "critic": 0}
        self.seconds = 0.0

    def count(self, part: str, evaluations: int) -> None:
        """A batch of evaluations was asked for."""
        with self._lock:
            self.evaluations[part] += evaluations
            self.batches[part] += evaluations > 0

    def spend(self, seconds: float) -> None:
        """So long a thread was in the network."""
        with self._lock:
            self.seconds += seconds

    def mean_batch(self, part: str) -> int:
        """States that a part of the network was asked about at once, where it was asked."""
        return round(self.evaluations[part] / max(self.batches[part], 1))

    def evaluator(self, network: BlobNetwork, rows: int, device: torch.device) -> NetworkEvaluator:
        """An evaluator that this meter watches."""
        return _MeteredEvaluator(self, network, rows, device)


class _MeteredEvaluator(NetworkEvaluator):
    def __init__(
        self, meter: _Meter, network: BlobNetwork, rows: int, device: torch.device
    ) -> None:
        super().__init__(network, rows, device)
        self._meter = meter

    def priors(self, states: State) -> Priors:
        self._meter.count("actor", len(states))
        return super().priors(states)

    def values(self, states: State) -> Values:
        self._meter.count("critic", len(states))
        return super().values(states)

    def _forward(self, part: ResidualMLP, rows: torch.Tensor) -> npt.NDArray[np.float32]:
        began = time.perf_counter()
        outputs = super()._forward(part, rows)
        self._meter.spend(time.perf_counter() - began)
        return outputs


def measure_selfplay(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_SEARCH
) -> Figures:
    """Rounds a minute of the whole engine by search, beside the bare network at the same batch.

    Each worker plays a block.
    """
    workers = default_workers(0)
    network = new_network(shape, 0).eval()
    pool = LocalPool(workers, prepare=use_one_thread)
    rounds = workers * settings.rounds_per_block
    speeds: dict[str, list[float]] = {"rounds": [], "evals": [], "share": [], "bare": []}
    _play(network, pool, settings, 8, _Meter())
    for _ in range(REPEATS):
        meter = _Meter()
        elapsed = seconds(partial(_play, network, pool, settings, rounds, meter))
        speeds["rounds"].append(60 * rounds / elapsed)
        speeds["evals"].append(sum(meter.evaluations.values()) / elapsed)
        speeds["share"].append(meter.seconds / workers / elapsed)
        batches = meter.mean_batch("actor"), meter.mean_batch("critic")
        speeds["bare"].append(_bare_speed(network, pool, workers, *batches))
    return {
        "setting": f"4 players, 5 cards, {SEARCH}, {size_of(network)}, {workers} workers",
        "rounds_per_min": statistics.median(speeds["rounds"]),
        "evals_per_s": statistics.median(speeds["evals"]),
        "evaluator_evals_per_s": statistics.median(speeds["bare"]),
        "share_of_evaluator": statistics.median(
            mine / bare for mine, bare in zip(speeds["evals"], speeds["bare"], strict=True)
        ),
        "network_share": statistics.median(speeds["share"]),
        "mean_batches": batches,
    }


def measure_lookahead(
    shape: NetworkSettings = DEFAULT_SHAPE, settings: SelfPlaySettings = BY_LOOKAHEAD
) -> Figures:
    """Rounds a minute of the whole engine by looking one action ahead, as a run does by default.

    Each worker plays eight blocks.
    """
    workers = default_workers(0)
    network = new_network(shape, 0).eval()
    pool = LocalPool(workers, prepare=use_one_thread)
    rounds = 8 * workers * settings.rounds_per_block
    meter = _Meter()
    _play(network, pool, settings, 8, meter)
    speeds = [
        60 * rounds / seconds(partial(_play, network, pool, settings, rounds, meter))
        for _ in range(REPEATS)
    ]
    return {
        "setting": f"4 players, 5 cards, {size_of(network)}, {workers} workers",
        "rounds_per_min": statistics.median(speeds),
    }


def _play(
    network: BlobNetwork, pool: LocalPool, settings: SelfPlaySettings, rounds: int, meter: _Meter
) -> None:
    engine = SelfPlayEngine(pool, MIX, settings, 0, CPU, make_evaluator=meter.evaluator)
    for _ in engine.play(
        0,
        network,
        SEARCH,
        rounds,
        range(engine.block_count(rounds)),
        abandon=lambda: False,
        on_rounds=lambda _: None,
    ):
        pass


def _bare_speed(
    network: BlobNetwork, pool: LocalPool, workers: int, acted: int, judged: int
) -> float:
    """Evaluations a second of the network alone on as many threads, each with its own batches."""
    calls = 40

    def repeat(number: int) -> int:
        draws = torch.Generator().manual_seed(number)
        views = torch.rand(acted, FEATURES, generator=draws)
        wholes = torch.rand(judged, WHOLE_FEATURES, generator=draws)
        with torch.inference_mode():
            for _ in range(calls):
                network.actor(views)
                network.critic(wholes)
        return calls * (acted + judged)

    began = time.perf_counter()
    rows = sum(done for _, done in pool.map(repeat, range(workers)))
    return rows / (time.perf_counter() - began)


def measure_learner(shape: NetworkSettings = DEFAULT_SHAPE) -> Figures:
    """A learning step beside the bare forward, backward and optimizer on the same tensors."""
    settings = resolved(Config()).learning
    network = new_network(shape, 0)
    learner = Learner(network, settings, 0, CPU)
    window = filled_window(settings.batch)
    bare = _bare_step(network, window, settings)
    steps = 8
    times: dict[str, list[float]] = {"step": [], "bare": []}
    for repeat in range(REPEATS):
        began = time.perf_counter()
        learner.learn(repeat, window, steps, on_step=lambda: None, abandon=lambda: False)
        times["step"].append((time.perf_counter() - began) / steps)
        times["bare"].append(statistics.median(seconds(bare) for _ in range(steps)))
    return {
        "setting": f"batch {settings.batch}, {size_of(network)}, {settings.number_format}, "
        f"{settings.threads} threads",
        "step_ms": 1e3 * statistics.median(times["step"]),
        "bare_step_ms": 1e3 * statistics.median(times["bare"]),
        "times_bare": statistics.median(
            mine / its for mine, its in zip(times["step"], times["bare"], strict=True)
        ),
    }


def _bare_step(
    network: BlobNetwork, window: ReplayWindow, settings: LearnSettings
) -> Callable[[], None]:
    batch = new_batch(settings.batch)
    window.draw(generator(0, "bench"), 1.0, batch)
    tensors = [torch.from_numpy(array) for array in batch]
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        with multiplying(settings.number_format, CPU):
            policy, value, view = losses(network, *tensors)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(policy + value + view)
        optimizer.step()

    return step


def measure_engine() -> Figures:
    """The rules alone: random rounds a second on one core."""
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
