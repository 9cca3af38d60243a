"""Matches of a rating: who meets whom on how many deals, played in blocks by a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from blobmaster.net.model import BlobNetwork
from blobmaster.play.agents import Agent, HeuristicAgent, NetworkAgent, RandomAgent
from blobmaster.play.arena import Lineups, Results, play_deals
from blobmaster.play.deals import deal
from blobmaster.play.pool import Pool
from blobmaster.play.settings import RatingSettings, RoundMix
from blobmaster.randomness import generator

RANDOM = "random"
HEURISTIC = "heuristic"


class Match(NamedTuple):
    """Deals played by given tables."""

    purpose: str
    """Matches of the same purpose are played on the same deals."""
    names: tuple[str, ...]
    """The players."""
    lineups: Lineups
    """`[deals, places]`, as indices of `names`."""


def mixed_match(player: str, others: Sequence[str], settings: RatingSettings) -> Match:
    """`player` with others at every table, who take turns.

    The tables are the stretches of a circle of the others: one deal each, and round again. Where
    there are fewer others than places, some sit at a table more than once.
    """
    seats = np.arange(settings.players - 1)
    turns = np.arange(settings.deals)[:, None] + seats[None, :]
    lineups = np.zeros((settings.deals, settings.players), np.int64)
    lineups[:, 1:] = 1 + turns % len(others)
    return Match("mixed", (player, *others), lineups)


def match_against(player: str, opponent: str, settings: RatingSettings) -> Match:
    """`player` at tables where all the others are copies of one opponent."""
    lineups = np.ones((settings.deals, settings.players), np.int64)
    lineups[:, 0] = 0
    return Match(f"against {opponent}", (player, opponent), lineups)


class Arena:
    """Plays the matches of one rating; each block follows from weights, seed and its number."""

    def __init__(
        self,
        networks: Mapping[str, BlobNetwork],
        settings: RatingSettings,
        seed: int,
        iteration: int,
        device: torch.device,
    ) -> None:
        """Args:
        networks: the players by name, beside `RANDOM` and `HEURISTIC`.
        settings: rounds to deal and the size of a block.
        seed: the run's seed; `iteration`, that of the rating: together they name the deals.
        device: where networks are evaluated.
        """
        self._networks = networks
        self._settings = settings
        self._mix = RoundMix(
            players={settings.players: 1.0},
            most_cards={settings.players: {settings.cards: 1.0}},
            longest_only=True,
        )
        self._seed = seed
        self._iteration = iteration
        self._device = device

    def play(
        self,
        matches: Sequence[Match],
        pool: Pool,
        *,
        abandon: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> list[Results] | None:
        """The results of each match, or None if they were abandoned.

        See `play_deals` for `abandon` and `on_deals`, which the pool's workers call.
        """
        size = self._settings.deals_per_block
        blocks = [
            (number, block)
            for number, match in enumerate(matches)
            for block in range(-(-len(match.lineups) // size))
        ]

        def play_one(index: int) -> Results | None:
            number, block = blocks[index]
            return self._play_block(matches[number], block, abandon=abandon, on_deals=on_deals)

        parts: list[dict[int, Results]] = [{} for _ in matches]
        for index, results in pool.map(play_one, range(len(blocks))):
            if results is not None:
                number, block = blocks[index]
                parts[number][block] = results
        if sum(map(len, parts)) < len(blocks):
            return None
        return [_joined(played) for played in parts]

    def _play_block(
        self,
        match: Match,
        block: int,
        *,
        abandon: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Results | None:
        size = self._settings.deals_per_block
        lineups = match.lineups[block * size : (block + 1) * size]
        draws = generator(self._seed, f"rating {match.purpose}", self._iteration, block)
        return play_deals(
            [self._agent(name, lineups.size) for name in match.names],
            lineups,
            deal(self._mix, len(lineups), draws),
            abandon=abandon,
            on_deals=on_deals,
        )

    def _agent(self, name: str, capacity: int) -> Agent:
        if name == RANDOM:
            return RandomAgent()
        if name == HEURISTIC:
            return HeuristicAgent()
        return NetworkAgent(self._networks[name], capacity, self._device)


def _joined(parts: Mapping[int, Results]) -> Results:
    """The blocks of one match, in order."""
    ordered = [parts[block] for block in sorted(parts)]
    return Results(
        np.concatenate([part.points for part in ordered]),
        np.concatenate([part.exact for part in ordered]),
    )
