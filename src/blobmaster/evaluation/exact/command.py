"""`blobmaster ground-truth`: NashConv of a player in rounds that are small enough to solve.

All figures are NashConv: the sum, over the seats, of the gain of a best response by that seat
alone, in points per round, or in shares of the win for the last round of a game. 0 is an
equilibrium. Without a checkpoint, it shows the uniform and the solved policies only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from blobmaster.checkpoint.network import load_trained
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.evaluation.exact import best_response, one_card, tree
from blobmaster.evaluation.exact.bidding import TRUMP_SHARES, policies_of
from blobmaster.evaluation.exact.equilibrium import solve, solve_seat_by_seat
from blobmaster.evaluation.exact.last_round import (
    MOST_PLAYERS,
    LastRound,
    draw_scores,
    win_values,
)
from blobmaster.evaluation.exact.one_card import OneCardRound
from blobmaster.evaluation.exact.priors import ROWS, most_likely_policy
from blobmaster.evaluation.exact.recipe import train
from blobmaster.evaluation.exact.tiny_game import RECIPE_GAMES, TINY_GAMES, TinyGame
from blobmaster.game.cards import NO_TRUMP
from blobmaster.game.rules import check_round
from blobmaster.inference.evaluator import Evaluator, NetworkEvaluator, choose_device
from blobmaster.terminal.console import Tally

Row = dict[str, Any]
"""A line of the tables and an object of the JSON output."""

CFR_ITERATIONS = 100
FIGURES = {
    "uniform": "uniform",
    "cfr": f"CFR+ {CFR_ITERATIONS}",
    "for_points": "equilibrium for points",
    "likeliest": "network's likeliest",
    "drawn": "drawn by its priors",
    "mean_drawn": "mean target, drawn",
    "mean_likeliest": "its likeliest",
    "mean_log_drawn": "mean log target, drawn",
    "mean_log_likeliest": "its likeliest",
}
"""The policies and their headings; a table shows those that its rows have."""

STANDINGS = 12
"""Scores before the last round over which its NashConv is averaged."""

RECIPE_ITERATIONS = 100
RECIPE_RATE = 0.1
MEANS = {"mean": False, "mean_log": True}
"""The means of the targets that the recipe tries: if each is that of their logarithms."""

WIDTH = 160
"""Width of the tables in columns, fixed so that no line is broken on a narrow terminal."""


def run_ground_truth(
    checkpoint: Path | None,
    tables: Sequence[int],
    *,
    recipe: bool,
    last_round: bool,
    as_json: bool,
) -> int:
    """Print NashConv for tables of these numbers of players; return the exit status.

    Args:
        checkpoint: the network to compare, if any.
        tables: numbers of players.
        recipe: also carry out the policy improvement of self-play in tables.
        last_round: also solve the last round of games for the share of the win.
        as_json: print JSON.

    Raises:
        ValueError: the rules allow no table of such a size, or all are too large for `last_round`.
        CheckpointError: the checkpoint cannot be used.
    """
    for players in tables:
        check_round(players, 1, NO_TRUMP, 0)
    of_games = [players for players in tables if players <= MOST_PLAYERS] if last_round else []
    if last_round and not of_games:
        raise ValueError(f"--last-round takes tables of up to {MOST_PLAYERS}: add --players 3")
    evaluator = None
    if checkpoint is not None:
        device = choose_device("auto")
        evaluator = NetworkEvaluator(load_trained(checkpoint, device).network.parts, ROWS, device)
    steps = len(TRUMP_SHARES) * len(tables) + len(TINY_GAMES)
    if recipe:
        steps += len(RECIPE_GAMES) * len(MEANS) * RECIPE_ITERATIONS
    steps += len(of_games) * len(TRUMP_SHARES) * STANDINGS
    with Tally(Console(stderr=True), "steps", steps) as tally:
        one_card_rounds = [
            row for players in tables for row in _one_card(players, evaluator, tally)
        ]
        tiny = [_tiny(game, evaluator, tally) for game in TINY_GAMES]
        last = [_last_round(players, evaluator, tally) for players in of_games]
        trained = [_recipe(game, tally) for game in RECIPE_GAMES] if recipe else []
    if as_json:
        name = None if checkpoint is None else str(checkpoint)
        answer = {"checkpoint": name, "one_card": one_card_rounds, "tiny": tiny}
        if last_round:
            answer["last_round"] = last
        if recipe:
            answer["recipe"] = trained
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        _print_table("NashConv: one card each of 52", one_card_rounds)
        _print_table("NashConv: tiny games", tiny)
        if last:
            _print_table("NashConv in shares of the win: the last round, one card each of 52", last)
        if recipe:
            _print_table(f"NashConv: {RECIPE_ITERATIONS} improvements in tables", trained)
    return 0


def _one_card(players: int, evaluator: Evaluator | None, tally: Tally) -> list[Row]:
    """Return the rows with trump, without trump and of the mean over the trump cycle."""
    found = []
    for trump in TRUMP_SHARES:
        found.append(_one_card_round(OneCardRound(players, trump), evaluator))
        tally.advance(1)
    shares = np.array(list(TRUMP_SHARES.values()))
    # NashConv is averaged, not the policies: rounds with and without trump are separate games.
    mean = {
        name: (shares @ np.array([row[name] for row in found])).tolist()
        for name in found[0]
        if name != "round"
    }
    return [*found, {"round": f"{players} players, over the trump cycle", **mean}]


def _one_card_round(game: OneCardRound, evaluator: Evaluator | None) -> Row:
    trump = "no trump" if game.trump == NO_TRUMP else "trump"
    policies = {"uniform": one_card.uniform_policy(game), "cfr": solve(game, CFR_ITERATIONS)}
    if evaluator is not None:
        policies |= policies_of(evaluator, game)._asdict()
    return {
        "round": f"{game.players} players, {trump}",
        **{name: one_card.gains(game, policy).nash_conv for name, policy in policies.items()},
        "equilibrium": one_card.gains(game, solve_seat_by_seat(game)).made.tolist(),
    }


def _last_round(players: int, evaluator: Evaluator | None, tally: Tally) -> Row:
    """Return the mean over the trump cycle and over standings."""
    means: dict[str, float] = {}
    for trump, share in TRUMP_SHARES.items():
        game = OneCardRound(players, trump)
        fixed = {"uniform": one_card.uniform_policy(game), "for_points": solve_seat_by_seat(game)}
        for scores in draw_scores(players, STANDINGS):
            policies = dict(fixed)
            if evaluator is not None:
                policies |= policies_of(evaluator, game, scores)._asdict()
            for name, policy in policies.items():
                values = win_values(LastRound(game, scores), policy)
                gap = one_card.gains_from(game, policy, values).nash_conv
                means[name] = means.get(name, 0.0) + share * gap / STANDINGS
            tally.advance(1)
    return {"round": f"{players} players, {STANDINGS} standings", **means}


def _tiny(game: TinyGame, evaluator: Evaluator | None, tally: Tally) -> Row:
    grown = tree.grow(game)
    policies = {"uniform": tree.uniform_policy(grown)}
    if evaluator is not None:
        drawn = tree.priors_of(evaluator, grown)
        policies |= {"likeliest": [most_likely_policy(level) for level in drawn], "drawn": drawn}
    gains = {n: best_response.gains(grown, policy).nash_conv for n, policy in policies.items()}
    tally.advance(1)
    return {"round": str(game), **gains}


def _recipe(game: TinyGame, tally: Tally) -> Row:
    """Return NashConv of the policies that self-play's improvement leads to."""
    grown, settings = tree.grow(game), SelfPlaySettings()
    found: Row = {"round": str(game)}
    for name, mean_log in MEANS.items():
        drawn = train(
            grown,
            RECIPE_ITERATIONS,
            step=settings.policy_step,
            explore=settings.explore,
            rate=RECIPE_RATE,
            mean_log=mean_log,
            on_iteration=lambda: tally.advance(1),
        )
        likeliest = [most_likely_policy(level) for level in drawn]
        found[f"{name}_drawn"] = best_response.gains(grown, drawn).nash_conv
        found[f"{name}_likeliest"] = best_response.gains(grown, likeliest).nash_conv
    return found


def _print_table(title: str, rows: Sequence[Row]) -> None:
    figures = [name for name in FIGURES if name in rows[0]]
    table = Table(title, *(FIGURES[name] for name in figures), box=None)
    with_values = "equilibrium" in rows[0]
    if with_values:
        table.add_column("points in equilibrium, leader to dealer")
    for row in rows:
        values = "  ".join(f"{value:.3f}" for value in row["equilibrium"]) if with_values else ""
        table.add_row(row["round"], *(f"{row[name]:.4f}" for name in figures), values)
    console = Console(highlight=False, markup=False, width=WIDTH)
    console.print(table)
    console.print()
