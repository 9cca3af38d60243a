"""Who sits at the table beside the person, and all else that a game is played with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from blobmaster.agents.base import Agent
from blobmaster.agents.network import network_player, searching_player
from blobmaster.checkpoint.network import Trained
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.play.cardtext import Signs
from blobmaster.play.game import Game, Setup
from blobmaster.play.savegame import Keeper
from blobmaster.play.thinking import Adviser, advise, choose
from blobmaster.search.spec import parse_search

NO_SEARCH: Final = "none"


@dataclass(frozen=True, kw_only=True)
class Table:
    """All that a game is played with."""

    agent: Agent
    """Who sits at every seat but the person's."""
    adviser: Adviser
    keeper: Keeper
    signs: Signs
    pace: float
    """Seconds between two moves of the networks, for a person to follow them."""


def check_search(search: str | None) -> None:
    """Raise `ValueError` unless it is a search such as `3x35:gumbel`, `none`, or not said."""
    if search is not None and search != NO_SEARCH:
        parse_search(search)


def seat_networks(trained: Trained, search: str | None) -> tuple[Agent, Adviser]:
    """The opponents and the adviser, which is the same network.

    Args:
        trained: the network, on the CPU.
        search: `3x35`; `none` for opponents that take the network's first choice, while advice
            still searches; None for the search that the network was trained with, and none where
            it was trained on games: it plays for the win, and a search looks for points.
    """
    config = trained.config
    settings = config.curriculum.search(trained.meta.iteration, config.search)
    if search is not None and search != NO_SEARCH:
        settings = parse_search(search).over(settings)
    cpu = torch.device("cpu")  # a handful of rows at a time: copying to a GPU takes longer
    adviser = Adviser(NetworkEvaluator(trained.network.parts, settings.trees, cpu), settings)
    if search == NO_SEARCH or (search is None and config.plays_games):
        return network_player(trained.network.parts, cpu)(1), adviser
    return searching_player(trained.network.parts, settings, cpu)(1), adviser


def warm_up(table: Table) -> None:
    """Let the networks think once: the very first time, kernels compile for half a minute."""
    game = Game(Setup(players=3, most_cards=2, seat=0, seed=0, one_round=True))
    choose(table.agent, game)
    advise(table.adviser, game)
