"""The ETA in whole runs of the documented curriculum, replayed on a simulated clock.

The code that computes it is the trainer's; what is made up is what happens to the run. What a
search's steps take was measured: see `SECONDS_A_ROUND`. The figures of docs/measurements.md are
printed by `pytest tests/run/test_eta_replay.py -s`.
"""

import random
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from blobmaster.config.compose import compose
from blobmaster.config.config import Config
from blobmaster.run.status.run_progress import RunProgress

CONFIGS = {
    way: compose({"curriculum": {"enabled": True}, "self_play": {"decide_by": way}})
    for way in ("search", "lookahead")
}
ITERATIONS = 500
SETTLED = 3
"""Iterations of a session after which its time left has to be right."""

SECONDS_A_ROUND = {
    (1, 15): 0.0159,
    (2, 25): 0.0392,
    (3, 35): 0.0735,
    (4, 45): 0.1158,
    (5, 50): 0.155,
}
"""Self-play of the default network and mix on 2 cores: half the processor time of one, 2026-11-24.
It does not grow as the simulations do: a small batch costs more a row."""
LOOKAHEAD_S = 0.003
"""The same without search, where all rounds cost the same; how much decides nothing here."""
LEARNING_S = 0.0095
"""A new round's share of learning: 18.2 decisions, each drawn 4 times, 134 ms a batch of 1,024."""
RATING_S = 13.0


@dataclass(frozen=True)
class Estimate:
    """The run's estimate at a moment, and the true value."""

    session: int
    settled: bool
    said: float | None
    true_s: float

    @property
    def error(self) -> float:
        assert self.said is not None
        return abs(self.said / self.true_s - 1)


class Fate:
    """Disturbances of a run: noise, slow iterations, other processes, full disks."""

    def __init__(self, config: Config, seed: int, *, neighbours: bool) -> None:
        self.luck = random.Random(seed)
        self._config = config
        self._neighbours = neighbours
        self._neighbour_leaves = 0

    def steps(self, iteration: int, *, cold: bool) -> Iterator[tuple[str, float]]:
        """The iteration's steps with what each takes."""
        slow = self.luck.lognormvariate(0.0, 0.08) * self._load(iteration)
        if self.luck.random() < 0.03:
            slow *= self.luck.uniform(2, 4)
        work = self._config.work(iteration)
        rounds = work["learning"]
        if cold:
            yield "compiling kernels", self.luck.uniform(0.3, 60)
        yield "self-play", slow * rounds * self._seconds_a_round(iteration)
        yield "learning", slow * rounds * LEARNING_S
        if work["rating"]:
            yield "rating", slow * RATING_S
        yield "saving", self.luck.uniform(0.05, 0.5)

    def _seconds_a_round(self, iteration: int) -> float:
        if self._config.self_play.decide_by == "lookahead":
            return LOOKAHEAD_S
        return SECONDS_A_ROUND[self._config.get_mcts_params(iteration)]

    def _load(self, iteration: int) -> float:
        """A neighbour takes a third of the machine, for some 20 iterations, a fifth of the time."""
        if not self._neighbours:
            return 1.0
        if iteration >= self._neighbour_leaves and self.luck.random() < 0.012:
            self._neighbour_leaves = iteration + self.luck.randint(5, 40)
        return 1.5 if iteration < self._neighbour_leaves else 1.0


class Replay:
    """A run of several sessions; `estimates` holds its estimates."""

    def __init__(self, config: Config, seed: int, *, neighbours: bool) -> None:
        self._config = config
        self._fate = Fate(config, seed, neighbours=neighbours)
        self._now = 1000.0
        self._worked = 0.0
        self._said: list[tuple[int, bool, float | None, float]] = []
        ends = sorted(self._fate.luck.sample(range(4, ITERATIONS), 11))
        first, elapsed, midway = 0, 0.0, False
        for session, end in enumerate([*ends, ITERATIONS]):
            elapsed = self._session(session, first, end, elapsed, midway=midway)
            first, midway = end, self._fate.luck.random() < 0.5
            self._now += self._fate.luck.uniform(10, 500_000)  # nobody trains
        self.estimates = [
            Estimate(session, settled, said, self._worked - worked)
            for session, settled, said, worked in self._said
        ]

    def _session(self, number: int, first: int, end: int, before: float, *, midway: bool) -> float:
        progress = RunProgress(
            first=first,
            total=ITERATIONS,
            elapsed_before_s=before,
            now=self._now,
            work=self._config.work,
        )
        for iteration in range(first, end):
            restored = 0.7 if midway and iteration == first else 0.0
            if restored:
                progress.mark_resumed()
            for step, seconds in self._fate.steps(iteration, cold=iteration == first):
                progress.start_step(step, self._now)
                took = seconds * (1 - restored if step == "self-play" else 1)
                for _ in range(4):
                    self._pass(took / 4)
                    self._note(number, iteration - first >= SETTLED, progress)
                if self._fate.luck.random() < 0.005:
                    self._wait_for_disk(progress)
            progress.complete(iteration, self._now)
            self._note(number, iteration + 1 - first >= SETTLED, progress)
        return progress.elapsed_seconds(self._now)

    def _pass(self, seconds: float) -> None:
        self._now += seconds
        self._worked += seconds

    def _wait_for_disk(self, progress: RunProgress) -> None:
        progress.pause_clock(self._now)
        self._now += self._fate.luck.uniform(2, 20_000)
        progress.resume_clock(self._now)

    def _note(self, session: int, settled: bool, progress: RunProgress) -> None:
        said = progress.sample(self._now).seconds_left
        self._said.append((session, settled, said, self._worked))


@pytest.fixture(scope="module", params=["search", "lookahead"])
def alone(request: pytest.FixtureRequest) -> list[Replay]:
    """Runs on a machine of their own."""
    return [Replay(CONFIGS[request.param], seed, neighbours=False) for seed in range(10)]


@pytest.fixture(scope="module", params=["search", "lookahead"])
def crowded(request: pytest.FixtureRequest) -> list[Replay]:
    """Runs beside other processes, whose start and end no estimate can foresee."""
    return [Replay(CONFIGS[request.param], seed, neighbours=True) for seed in range(10)]


def test_the_time_left_is_never_negative_and_never_from_restored_work(crowded: list[Replay]):
    for replay in crowded:
        said_in: set[int] = set()
        for estimate in replay.estimates:
            if estimate.said is None:
                assert estimate.session not in said_in, "it was known and is unknown again"
                assert not estimate.settled
                continue
            said_in.add(estimate.session)
            assert estimate.said >= 0
        firsts = {e.session: e for e in reversed(replay.estimates)}
        assert all(first.said is None for first in firsts.values())


def test_on_a_machine_of_its_own_every_runs_median_error_is_within_a_tenth(alone: list[Replay]):
    medians = [median_error(replay.estimates) for replay in alone]
    print(f"\nalone, by run: {', '.join(f'{median:.1%}' for median in medians)}")
    assert max(medians) <= 0.10


def test_beside_neighbours_the_median_error_is_within_a_tenth(crowded: list[Replay]):
    medians = [median_error(replay.estimates) for replay in crowded]
    together = median_error([estimate for replay in crowded for estimate in replay.estimates])
    print(f"\ncrowded, by run: {', '.join(f'{median:.1%}' for median in medians)}")
    print(f"crowded, all together: {together:.1%}")
    assert together <= 0.10


def median_error(estimates: list[Estimate]) -> float:
    return statistics.median(e.error for e in estimates if e.settled and e.true_s > 0)
