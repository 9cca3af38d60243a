"""Matches: who meets whom on how many deals, played in blocks by a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import AgentMaker
from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.evaluation.arena import Lineups, Results, play_deals
from blobmaster.selfplay.deals import deal, deal_games
from blobmaster.selfplay.pool import Pool

SHARES_OF_A_WIN = 840
"""Any number of winners up to eight divides it."""


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
    """Plays matches in blocks; each block follows from the players and its number alone."""

    def __init__(
        self,
        players: Mapping[str, AgentMaker],
        settings: RatingSettings,
        draws: Callable[[str, int], np.random.Generator],
        *,
        whole_games: bool = False,
    ) -> None:
        """Args:
        players: by name.
        settings: rounds to deal and the size of a block.
        draws: what deals the cards of a purpose's block.
        whole_games: a deal is not a round but a game whose longest rounds have that many cards.
        """
        self.whole_games = whole_games
        self._players = players
        self._settings = settings
        self._mix = RoundMix(
            players={settings.players: 1.0},
            most_cards={settings.players: {settings.cards: 1.0}},
            longest_only=True,
        )
        self._draws = draws

    def play(
        self,
        matches: Sequence[Match],
        pool: Pool,
        *,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> list[Results] | None:
        """The results of each match, or None if they were abandoned.

        See `play_deals` for `should_stop` and `on_deals`, which the pool's workers call.
        """
        blocks = [
            (number, block)
            for number, match in enumerate(matches)
            for block in range(self.block_count(match))
        ]
        parts: list[dict[int, Results]] = [{} for _ in matches]
        for number, block, results in self.play_blocks(
            matches, blocks, pool, should_stop=should_stop, on_deals=on_deals
        ):
            parts[number][block] = results
        if sum(map(len, parts)) < len(blocks):
            return None
        return [joined(played) for played in parts]

    def block_count(self, match: Match) -> int:
        """How many blocks a match is played in."""
        return -(-len(match.lineups) // self._settings.deals_per_block)

    def play_blocks(
        self,
        matches: Sequence[Match],
        blocks: Iterable[tuple[int, int]],
        pool: Pool,
        *,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Iterator[tuple[int, int, Results]]:
        """Yield (match, block, results) in the order in which they are finished.

        Args:
            matches: what the first number of each of `blocks` speaks of.
            blocks: (match, block); those that are abandoned are not yielded.
            pool, should_stop, on_deals: see `play`.
        """
        wanted = list(blocks)

        def play_one(index: int) -> Results | None:
            number, block = wanted[index]
            return self._play_block(
                matches[number], block, should_stop=should_stop, on_deals=on_deals
            )

        for index, results in pool.map(play_one, range(len(wanted))):
            if results is not None:
                yield (*wanted[index], results)

    def _play_block(
        self,
        match: Match,
        block: int,
        *,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Results | None:
        size = self._settings.deals_per_block
        lineups = match.lineups[block * size : (block + 1) * size]
        make = deal_games if self.whole_games else deal
        return play_deals(
            [self._players[name](lineups.size) for name in match.names],
            lineups,
            make(self._mix, len(lineups), self._draws(match.purpose, block)),
            should_stop=should_stop,
            on_deals=on_deals,
        )


def merits(results: Results, *, whole_games: bool) -> npt.NDArray[np.int64]:
    """`[deals, places]`: what ranks a deal's table, all its rotations together.

    Of rounds their points; of games their wins, in 840ths, so that shared ones are whole numbers.
    """
    if whole_games:
        return np.rint(SHARES_OF_A_WIN * results.wins).astype(np.int64).sum(axis=1)
    return results.points.sum(axis=1)


def joined(parts: Mapping[int, Results]) -> Results:
    """The blocks of one match, in order."""
    ordered = [parts[block] for block in sorted(parts)]
    return Results(
        np.concatenate([part.points for part in ordered]),
        np.concatenate([part.exact for part in ordered]),
    )
