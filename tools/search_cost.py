"""Trains a network by each way of deciding, all with the same evaluations, and compares them.

An evaluation is a position that the actor or the critic is asked about: each is half the network. A
way that asks less a round plays more rounds; learning takes the same number of steps for all. Then
each network plays by itself, one evaluation a decision, against the fixed players.
"""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np
import torch
from outcomes import told_by_outcomes
from rich.console import Console
from rich.table import Table

from blobmaster.agents.ismcts import IsmctsAgent
from blobmaster.agents.making import make_rated_opponents
from blobmaster.agents.network import network_player
from blobmaster.config.config import Config
from blobmaster.config.layers import Tables, as_tables, compose
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
"""How far one outcome moves a policy: as far as the critic's values do. 2 was worse."""


class Counter:
    """Counts the positions that networks are asked about, by any thread."""

    def __init__(self) -> None:
        self._watched: list[NetworkEvaluator] = []
        self.asks_critic = True

    def evaluator(self, *arguments: Any, **options: Any) -> NetworkEvaluator:
        """An evaluator that is counted."""
        kind = NetworkEvaluator if self.asks_critic else _ActorAlone
        self._watched.append(kind(*arguments, **options))
        return self._watched[-1]

    @property
    def evaluations(self) -> int:
        """Positions that were asked about so far."""
        return sum(int(part.asked[0]) for found in self._watched for part in found.asked)


class _ActorAlone(NetworkEvaluator):
    """Has nothing to say of values: what is learned is told by outcomes."""

    def answer(self, acting: State, judged: State) -> tuple[Priors, Values]:
        return self.priors(acting), np.zeros((len(judged), MAX_PLAYERS), np.float32)


@click.command()
@click.argument("ways", nargs=-1)
@click.option("--evaluations", type=float, default=6e6, show_default=True, help="Of each way.")
@click.option("--iterations", type=int, default=12, show_default=True)
@click.option("--steps", type=int, default=200, show_default=True, help="An iteration's.")
@click.option("--deals", type=int, default=1000, show_default=True, help="With each opponent.")
@click.option("--seed", type=int, default=0, show_default=True)
def search_cost(
    ways: tuple[str, ...], evaluations: float, iterations: int, steps: int, deals: int, seed: int
) -> None:
    """Compare WAYS of deciding: lookahead, outcomes, or a search such as 3x35:gumbel."""
    for way in ways:
        try:
            settings(way, iterations)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    table = Table("way", "rounds", "evaluations a round", *OPPONENTS, "seconds", box=None)
    for way in ways or WAYS:
        began = time.process_time()
        network, rounds = trained(way, evaluations, iterations, steps, seed)
        spent = time.process_time() - began
        found = [shown(results) for results in played(network, deals, seed)]
        table.add_row(way, f"{rounds:,}", f"{evaluations / rounds:,.0f}", *found, f"{spent:.0f}")
        Console(stderr=True).print(way, *found)
    Console(width=160).print(table)


def trained(
    way: str, evaluations: float, iterations: int, steps: int, seed: int
) -> tuple[BlobNetwork, int]:
    """Train a network from nothing; returns its average, and the rounds that were played."""
    config, search = settings(way, iterations)
    counter = Counter()
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
            blocks.append(block(engine, iteration, learner.ema, search, len(blocks)))
        rounds += sum(map(len, blocks))
        told = join(blocks)
        window.add(told_by_outcomes(told, OUTCOME_STEP) if way == "outcomes" else told)
        learner.learn(iteration, window, steps, on_step=lambda: None, should_stop=lambda: False)
    return learner.ema, rounds


def settings(way: str, iterations: int) -> tuple[Config, SearchSettings]:
    """The small preset's, with this way of deciding."""
    is_search = way not in ("lookahead", "outcomes")
    self_play: dict[str, Any] = {
        "decide_by": "search" if is_search else "lookahead",
        "rounds_per_block": 64,
        "lanes": 64,
    }
    if way == "outcomes":
        # Records then hold the priors themselves, and every action was drawn from them.
        self_play |= {"policy_step": 1e-9, "greedy_rounds": 0.0}
    changes: Tables = {
        "self_play": self_play,
        "learning": {"schedule_iterations": iterations, "threads": 1},
    }
    config = autotuned(compose(FAST, changes), say=lambda _: None)
    search = SearchSettings(**as_tables(config)["search"])
    return config, parse_search(way).over(search) if is_search else search


def block(
    engine: SelfPlayEngine, iteration: int, network: BlobNetwork, search: SearchSettings, index: int
) -> Rounds:
    """One more block of an iteration that has as many as it takes."""
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


def played(network: BlobNetwork, deals: int, seed: int) -> list[Results]:
    """The network's matches against each opponent, at 4 players × 5 cards."""
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


def shown(results: Results) -> str:
    """Points a round, and how far ahead of the others, with the 95 % interval's half width."""
    lead = estimate_mean(point_leads(results).mean(axis=1), 400, generator(0, "search cost"))
    half = (lead.high - lead.low) / 2
    return f"{results.points[:, :, 0].mean():.2f} ({lead.value:+.2f} ± {half:.2f})"


if __name__ == "__main__":
    search_cost()
