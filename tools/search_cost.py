"""Compares ways to choose actions in self-play at an equal number of network evaluations.

An evaluation is one position through the actor or the critic, each half of the network. A way that
needs fewer evaluations per round plays more rounds; the learning steps are the same for all. Each
trained network then plays without search against fixed opponents.
"""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np
import torch
from outcomes import add_outcome_policies
from rich.console import Console
from rich.table import Table

from blobmaster.agents.factory import make_rated_opponents
from blobmaster.agents.ismcts import IsmctsAgent
from blobmaster.agents.network import network_player
from blobmaster.config.compose import Tables, as_tables, compose
from blobmaster.config.config import Config
from blobmaster.config.presets import FAST
from blobmaster.config.rating import RatingSettings
from blobmaster.config.search import SearchSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import estimate_mean
from blobmaster.evaluation.matches import Arena, match_against
from blobmaster.evaluation.measure import point_leads
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import Rounds, join
from blobmaster.game.rules import State
from blobmaster.inference.evaluator import NetworkEvaluator, Priors, Values, use_one_thread
from blobmaster.kernels.rng import generator
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.search.spec import parse_search
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.autotune import autotuned
from blobmaster.training.learner import Learner
from blobmaster.training.replay_buffer import ReplayWindow

WAYS = ("lookahead", "outcomes", "1x15", "3x35", "3x35:gumbel", "3x35:shared")
OPPONENTS = ("random", "heuristic", "ismcts-100")
CPU = torch.device("cpu")

OUTCOME_STEP = 8.0
"""Step size of outcome targets, equal to that of the critic's values; 2 was worse."""


class EvaluationCounter:
    """Counts the evaluations of all networks, in any thread."""

    def __init__(self) -> None:
        self._watched: list[NetworkEvaluator] = []
        self.asks_critic = True

    def evaluator(self, *arguments: Any, **options: Any) -> NetworkEvaluator:
        """Make an evaluator that is counted."""
        kind = NetworkEvaluator if self.asks_critic else _ActorOnly
        self._watched.append(kind(*arguments, **options))
        return self._watched[-1]

    @property
    def evaluations(self) -> int:
        """The number of positions evaluated so far."""
        return sum(int(part.counts[0]) for found in self._watched for part in found.counted)


class _ActorOnly(NetworkEvaluator):
    """Returns zeros as values and saves their cost: outcome targets need none."""

    def evaluate(self, acting: State, judged: State) -> tuple[Priors, Values]:
        return self.priors(acting), np.zeros((len(judged), MAX_PLAYERS), np.float32)


@click.command()
@click.argument("ways", nargs=-1)
@click.option(
    "--evaluations", type=float, default=6e6, show_default=True, help="Evaluations for each way."
)
@click.option("--iterations", type=int, default=12, show_default=True)
@click.option("--steps", type=int, default=200, show_default=True, help="Steps per iteration.")
@click.option("--deals", type=int, default=1000, show_default=True, help="Deals per opponent.")
@click.option("--seed", type=int, default=0, show_default=True)
def search_cost(
    ways: tuple[str, ...], evaluations: float, iterations: int, steps: int, deals: int, seed: int
) -> None:
    """Compare WAYS to choose actions: lookahead, outcomes, or a search such as 3x35:gumbel."""
    for way in ways:
        try:
            settings(way, iterations)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    table = Table("way", "rounds", "evaluations a round", *OPPONENTS, "seconds", box=None)
    for way in ways or WAYS:
        began = time.process_time()
        network, rounds = train(way, evaluations, iterations, steps, seed)
        spent = time.process_time() - began
        found = [describe(results) for results in play_matches(network, deals, seed)]
        table.add_row(way, f"{rounds:,}", f"{evaluations / rounds:,.0f}", *found, f"{spent:.0f}")
        Console(stderr=True).print(way, *found)
    Console(width=160).print(table)


def train(
    way: str, evaluations: float, iterations: int, steps: int, seed: int
) -> tuple[BlobNetwork, int]:
    """Train a network from scratch; return its EMA and the number of rounds played."""
    config, search = settings(way, iterations)
    counter = EvaluationCounter()
    counter.asks_critic = way != "outcomes"
    learner = Learner(new_network(config.network, seed), config.learning, seed, CPU)
    window = ReplayWindow(config.learning.window)
    pool = LocalPool(1, use_one_thread)
    engine = SelfPlayEngine(
        pool, config.rounds, config.self_play, seed, CPU, make_evaluator=counter.evaluator
    )
    rounds = 0
    for iteration in range(iterations):
        blocks: list[Rounds] = []
        while counter.evaluations < evaluations * (iteration + 1) / iterations:
            blocks.append(play_block(engine, iteration, learner.ema, search, len(blocks)))
        rounds += sum(map(len, blocks))
        told = join(blocks)
        window.add(add_outcome_policies(told, OUTCOME_STEP) if way == "outcomes" else told)
        learner.learn(iteration, window, steps, on_step=lambda: None, should_stop=lambda: False)
    return learner.ema, rounds


def settings(way: str, iterations: int) -> tuple[Config, SearchSettings]:
    """Return the small preset's settings with this way to choose actions."""
    is_search = way not in ("lookahead", "outcomes")
    self_play: dict[str, Any] = {
        "decide_by": "search" if is_search else "lookahead",
        "rounds_per_block": 64,
        "lanes": 64,
    }
    if way == "outcomes":
        # With such a small step, the recorded policies equal the priors, from which all actions
        # are then drawn: the policy gradient needs both.
        self_play |= {"policy_step": 1e-9, "greedy_rounds": 0.0}
    changes: Tables = {
        "self_play": self_play,
        "learning": {"schedule_iterations": iterations, "threads": 1},
    }
    config = autotuned(compose(FAST, changes), say=lambda _: None)
    search = SearchSettings(**as_tables(config)["search"])
    return config, parse_search(way).over(search) if is_search else search


def play_block(
    engine: SelfPlayEngine, iteration: int, network: BlobNetwork, search: SearchSettings, index: int
) -> Rounds:
    """Play one block of an iteration, which has as many as it needs."""
    found = engine.play(
        iteration,
        network,
        search,
        2**30,
        [index],
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    return next(iter(found))[1]


def play_matches(network: BlobNetwork, deals: int, seed: int) -> list[Results]:
    """Play the network against each opponent, with 4 players × 5 cards."""
    size = RatingSettings(deals=deals)
    players = {
        **make_rated_opponents(CPU),
        "network": network_player(network.parts, CPU),
        "ismcts-100": lambda _: IsmctsAgent(100),
    }
    arena = Arena(players, size, lambda purpose, index: generator(seed, purpose, index))
    found = arena.play(
        [match_against("network", opponent, size) for opponent in OPPONENTS],
        LocalPool(1, use_one_thread),
        should_stop=lambda: False,
        on_deals=lambda _: None,
    )
    return found or []


def describe(results: Results) -> str:
    """Format points per round and the lead with the half width of its 95 % interval."""
    lead = estimate_mean(point_leads(results).mean(axis=1), 400, generator(0, "search cost"))
    half = (lead.high - lead.low) / 2
    return f"{results.points[:, :, 0].mean():.2f} ({lead.value:+.2f} ± {half:.2f})"


if __name__ == "__main__":
    search_cost()
