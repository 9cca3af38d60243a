"""Simulates iterations on clusters of up to 1,024 cores: `python tools/cluster_simulation.py`.

The blocks are handed out by the code of real runs (`blobmaster.cluster.schedule`); only the workers
are simulated, by events in virtual time. The constants were measured on two cores, see
docs/measurements.md, "Ray". It prints the table of docs/cluster.md.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from blobmaster.cluster.schedule import Event, play_blocks

CORES_PER_HOST = 16
LATENCY_S = 0.0005
"""One way, with Ray's own part of a call."""
BYTES_PER_S = 1.25e9
"""Of the trainer's network card: 10 Gbit/s."""
WEIGHT_BYTES = 19.6e6
"""The default network in fp32."""
ROUND_BYTES = 150.0
BEGIN_S = 0.15
"""Time to pack the weights, put them into the object store, and unpack them at an actor."""
SEND_S = 0.0001
RECEIVE_S = 0.0008
"""Processor time of driver and trainer for each block and each result."""
SPREAD = 0.1
"""Standard deviation of a block's time, relative to its mean."""
STEPS_PER_ROUND = 146 / 2000
"""Learning steps at the default batch and replay ratio."""
ROUNDS_PER_CORE_MINUTE = {"lookahead": 53_700.0, "search 3×30": 2_620.0}
STEP_S = {"2 cores": 0.0602, "H100": 0.0054}
"""A learning step of 1,024 decisions."""
CORES = (16, 128, 1024)
BLOCKS = (8, 32, 128)
ROUNDS = 10_000
"""Rounds per iteration at the end of the curriculum."""


@dataclass(frozen=True)
class Plan:
    """An iteration on a cluster."""

    cores: int
    decides_by: str
    block: int
    """Rounds per block."""
    rounds: int = ROUNDS
    spread: float = SPREAD


@dataclass(frozen=True)
class Outcome:
    """The time that an iteration's self-play takes, and how busy the cores are."""

    seconds: float
    """From the first step of packing the weights to the last result."""
    busy: float
    """Share of the cores' time spent on blocks."""


class SimulatedCrew:
    """Workers in virtual time: a `Crew`."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._draws = np.random.default_rng(seed)
        self._workers = frozenset(range(plan.cores))
        self.now = BEGIN_S
        self.played = 0.0
        """Core-seconds spent on blocks."""
        self._free = [0.0] * plan.cores
        # Each host gets the weights once. All pull them from the trainer, one after another: Ray
        # also passes copies on from host to host, so this is the slow case.
        self._weights = [
            BEGIN_S + LATENCY_S + (core // CORES_PER_HOST + 1) * WEIGHT_BYTES / BYTES_PER_S
            for core in range(plan.cores)
        ]
        self._card = 0.0
        """When the trainer's network card is free."""
        self._arrivals: list[tuple[float, int, int]] = []

    def clock(self) -> float:
        """Return the virtual time."""
        return self.now

    def ready(self) -> Set[int]:
        """See `Crew`."""
        return self._workers

    def send(self, worker: int, block: int) -> None:
        """See `Crew`."""
        self.now += SEND_S
        begin = max(self.now + LATENCY_S, self._free[worker], self._weights[worker])
        rounds = min(self._plan.block, self._plan.rounds - block * self._plan.block)
        mean = 60 * rounds / ROUNDS_PER_CORE_MINUTE[self._plan.decides_by]
        took = mean * max(0.1, self._draws.normal(1.0, self._plan.spread))
        self._free[worker] = begin + took
        self.played += took
        heapq.heappush(self._arrivals, (begin + took, worker, block))

    def overtaken(self, worker: int) -> None:
        """See `Crew`."""

    def wait(self, seconds: float) -> list[Event]:
        """See `Crew`: return the next result."""
        if not self._arrivals:
            self.now += seconds
            return []
        ended, worker, block = heapq.heappop(self._arrivals)
        self._card = max(self._card, ended) + self._plan.block * ROUND_BYTES / BYTES_PER_S
        self.now = max(self.now, self._card + LATENCY_S)
        self.now += RECEIVE_S
        return [Event(worker, block, b"")]


def simulate(plan: Plan, seed: int = 0) -> Outcome:
    """Play an iteration's blocks."""
    crew = SimulatedCrew(plan, seed)
    blocks = range(-(-plan.rounds // plan.block))
    found = list(play_blocks(crew, blocks, should_stop=lambda: False, clock=crew.clock))
    if len(found) != len(blocks):
        raise RuntimeError("the schedule left out a block")
    return Outcome(crew.now, crew.played / (plan.cores * crew.now))


def learning_seconds(rounds: int, learner: str) -> float:
    """Return the time of an iteration's learning steps."""
    return rounds * STEPS_PER_ROUND * STEP_S[learner]


def table() -> str:
    """Return a table in Markdown."""
    learners = [f"learner busy, {name}" for name in STEP_S]
    titles = ["decides by", "cores", "rounds a block", "self-play", "cores busy", *learners]
    rows = [titles, ["---"] * len(titles)]
    for decides_by in ROUNDS_PER_CORE_MINUTE:
        for cores in CORES:
            for block in BLOCKS:
                found = simulate(Plan(cores, decides_by, block))
                learned = [learning_seconds(ROUNDS, name) for name in STEP_S]
                shares = [f"{seconds / (seconds + found.seconds):.0%}" for seconds in learned]
                time = f"{found.seconds:.1f} s"
                rows.append(
                    [decides_by, f"{cores:,}", str(block), time, f"{found.busy:.0%}", *shares]
                )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.stdout.write(table())
