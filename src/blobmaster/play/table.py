"""Assembles the table: the opponents, the adviser, the saved game and the display settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from blobmaster.agents.base import Agent
from blobmaster.agents.belief import ROWS
from blobmaster.agents.network import belief_player, network_player, searching_player
from blobmaster.agents.seat_beliefs import ROWS as BELIEF_ROWS
from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.checkpoint.network import TrainedNetwork
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.play.advice import (
    Adviser,
    BeliefAdviser,
    SearchAdviser,
    advise,
    choose_action,
    find_style,
)
from blobmaster.play.card_text import Symbols
from blobmaster.play.game import (
    Game,
    Setup,
    legal_actions_of,
    round_is_over,
    state_of,
    take_action,
)
from blobmaster.play.saved_game import GameFile
from blobmaster.search.spec import parse_search

NO_SEARCH: Final = "none"
"""The value of `--search` that turns the opponents' search off."""

FOR_PEOPLE: Final = "belief:256:styles"
"""The search of a network that adapts, unless another one is named. A person is a player that it
does not know, and no other search gains as much against those (docs/measurements.md)."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The parts that a game is played with."""

    agent: Agent
    """Plays every seat but the person's."""
    adviser: Adviser
    beliefs: SeatBeliefs | None
    """Whom the networks take the person for; None if they do not adapt."""
    game_file: GameFile
    symbols: Symbols
    pace: float
    """Seconds between two moves of the networks, so that a person can follow them."""


def check_search(search: str | None) -> None:
    """Raise `ValueError` unless `search` is a search such as `3x35:gumbel`, `none` or None."""
    if search is not None and search != NO_SEARCH:
        parse_search(search)


def seat_networks(trained: TrainedNetwork, search: str | None) -> tuple[Agent, Adviser]:
    """Make the opponents and the adviser from one network.

    Args:
        trained: the network, on the CPU.
        search: such as `3x35` or `belief:256`. With `none`, the opponents take the action of
            highest prior and only the adviser searches. None stands for `none` if the network was
            trained on whole games: its goal is to win the game, while a search maximizes points.
            Else for `FOR_PEOPLE` if it adapts, or for the search of its training.
    """
    cpu = torch.device("cpu")  # for a few rows at a time, copying to a GPU takes longer
    parts, config = trained.network.parts, trained.config
    if search is None and config.self_play.adapts and not config.plays_games:
        search = FOR_PEOPLE
    spec = parse_search(search) if search is not None and search != NO_SEARCH else None
    if spec is not None and spec.belief is not None:
        belief_adviser = BeliefAdviser(
            NetworkEvaluator(parts, ROWS, cpu),
            spec.belief,
            for_win=parts.sees_games,
            adapts=config.self_play.adapts,
        )
        player = belief_player(parts, spec.belief, cpu, adapts=config.self_play.adapts)
        return player(1), belief_adviser
    settings = config.curriculum.search(trained.meta.iteration, config.search)
    if spec is not None:
        settings = spec.over(settings)
    adviser = SearchAdviser(NetworkEvaluator(parts, settings.trees, cpu), settings)
    if search == NO_SEARCH or (search is None and config.plays_games):
        return network_player(parts, cpu, adapts=config.self_play.adapts)(1), adviser
    return searching_player(parts, settings, cpu)(1), adviser


def beliefs_of(trained: TrainedNetwork) -> SeatBeliefs | None:
    """Return the beliefs that infer a person's style, or None if the network does not adapt.

    Args:
        trained: the network, on the CPU.
    """
    if not trained.config.self_play.adapts:
        return None
    evaluator = NetworkEvaluator(trained.network.parts, BELIEF_ROWS, torch.device("cpu"))
    return SeatBeliefs(evaluator)


def warm_up(table: Table) -> None:
    """Use every part once, so that kernels compile now: the first time takes 30 s."""
    game = Game(Setup(players=3, most_cards=2, seat=0, seed=0, one_round=True))
    choose_action(table.agent, game)
    advise(table.adviser, game)
    while not round_is_over(game):
        game = take_action(game, legal_actions_of(state_of(game))[0])
    find_style(table.beliefs, game)
