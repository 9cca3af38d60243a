"""Matches: players, tables and deals, played in blocks by a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import AgentMaker
from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.evaluation.arena import Lineups, Results, play_deals
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.deals import Deals, deal, deal_after, deal_games
from blobmaster.selfplay.pool import Pool

SHARES_OF_A_WIN = 840
"""Shares of a win are counted in 840ths: 840 is divisible by every number up to eight."""


class Match(NamedTuple):
    """Tables of players, one per deal."""

    purpose: str
    """Part of the seed: matches with the same purpose get the same deals."""
    names: tuple[str, ...]
    """The players, by name."""
    lineups: Lineups
    """`[deals, places]`, as indices of `names`."""


def mixed_match(player: str, others: Sequence[str], settings: RatingSettings) -> Match:
    """Seat `player` at every table with a changing set of the others.

    The others form a circle. Deal n seats those that follow position n of it, so all play equally
    often. If there are fewer others than places, some sit at a table more than once.
    """
    seats = np.arange(settings.players - 1)
    turns = np.arange(settings.deals)[:, None] + seats[None, :]
    lineups = np.zeros((settings.deals, settings.players), np.int64)
    # By turns, not drawn: the luck of a draw of opponents would add to the spread of every rating.
    lineups[:, 1:] = 1 + turns % len(others)
    return Match("mixed", (player, *others), lineups)


def match_against(player: str, opponent: str, settings: RatingSettings) -> Match:
    """Seat `player` at place 0 and copies of one opponent at all others."""
    lineups = np.ones((settings.deals, settings.players), np.int64)
    lineups[:, 0] = 0
    return Match(f"against {opponent}", (player, opponent), lineups)


@dataclass(frozen=True)
class SameDeals:
    """Deals the same cards to all matches, whatever their purpose."""

    seed: int
    purpose: str
    """Takes the place of a match's own."""
    indices: tuple[int, ...] = ()
    """The number of the stream within its purpose, before that of the block."""

    def __call__(self, purpose: str, block: int) -> np.random.Generator:
        """Return the generator that deals the cards of a block."""
        del purpose
        return generator(self.seed, self.purpose, *self.indices, block)


class Arena:
    """Plays matches in blocks; a block's results depend only on the players and its number."""

    def __init__(
        self,
        players: Mapping[str, AgentMaker],
        settings: RatingSettings,
        draws: Callable[[str, int], np.random.Generator],
        *,
        whole_games: bool = False,
        earlier: int = 0,
    ) -> None:
        """Args:
        players: by name.
        settings: the size of the tables, of the rounds and of a block.
        draws: returns the generator that deals the cards of (purpose, block). It can be pickled,
            as everything here: a pool may play in other processes.
        whole_games: if True, a deal is a game, and `settings.cards` its longest rounds.
        earlier: rounds that the table plays before the round of a deal, and that do not count.
        """
        self.whole_games = whole_games
        self._earlier = earlier
        self._players = players
        self._settings = settings
        self._mix = RoundMix.of_size(settings.players, settings.cards)
        self._draws = draws

    def play(
        self,
        matches: Sequence[Match],
        pool: Pool,
        *,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> list[Results] | None:
        """Play the matches; return the results of each, or None if play was abandoned.

        The pool's workers call `should_stop` and `on_deals`; see `play_deals`.
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
        return [join_blocks(played) for played in parts]

    def block_count(self, match: Match) -> int:
        """Return the number of blocks of a match."""
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
            matches: the matches to which `blocks` refers.
            blocks: (index of the match, block); abandoned blocks are not yielded.
            pool, should_stop, on_deals: see `play`.
        """
        wanted = list(blocks)
        # Workers finish in any order. The block's index, not the order, decides where its results
        # go, so any number of workers gives the same results.
        job = _MatchJob(self, matches, wanted)
        for index, results in pool.map(
            job, range(len(wanted)), should_stop=should_stop, on_units=on_deals
        ):
            yield (*wanted[index], results)

    def play_block(
        self,
        match: Match,
        block: int,
        *,
        should_stop: Callable[[], bool],
        on_deals: Callable[[int], None],
    ) -> Results | None:
        """Play a block of a match in this thread; see `play_deals`."""
        lineups = self._lineups(match, block)
        return play_deals(
            [self._players[name](lineups.size) for name in match.names],
            lineups,
            self.deals(match, block),
            should_stop=should_stop,
            on_deals=on_deals,
        )

    def deals(self, match: Match, block: int) -> Deals:
        """Return the deals of a block, the same ones at every call."""
        count, draws = len(self._lineups(match, block)), self._draws(match.purpose, block)
        if self._earlier > 0:
            return deal_after(self._mix, self._earlier, count, draws)
        return (deal_games if self.whole_games else deal)(self._mix, count, draws)

    def _lineups(self, match: Match, block: int) -> Lineups:
        size = self._settings.deals_per_block
        return match.lineups[block * size : (block + 1) * size]


@dataclass(frozen=True)
class _MatchJob:
    """Plays blocks of several matches: a `Job`, whose blocks are indices of `wanted`."""

    arena: Arena
    matches: Sequence[Match]
    wanted: Sequence[tuple[int, int]]
    """(Index of the match, block)."""

    def play(
        self, block: int, *, should_stop: Callable[[], bool], on_units: Callable[[int], None]
    ) -> Results | None:
        """See `Job`."""
        number, of_match = self.wanted[block]
        return self.arena.play_block(
            self.matches[number], of_match, should_stop=should_stop, on_deals=on_units
        )


def ranking_scores(results: Results, *, whole_games: bool) -> npt.NDArray[np.int64]:
    """Return the scores that rank each table, summed over the rotations of its deal.

    Args:
        results: the results of a match.
        whole_games: if True, rank by wins instead of points.

    Returns:
        `[deals, places]`: points, or wins in 840ths, so that shared wins are whole numbers.
    """
    if whole_games:
        # As whole numbers: sums of thirds in floats would turn ties between places into wins.
        return np.rint(SHARES_OF_A_WIN * results.wins).astype(np.int64).sum(axis=1)
    return results.points.sum(axis=1)


def join_blocks(parts: Mapping[int, Results]) -> Results:
    """Concatenate the blocks of one match in order."""
    ordered = [parts[block] for block in sorted(parts)]
    return Results(
        np.concatenate([part.points for part in ordered]),
        np.concatenate([part.exact for part in ordered]),
    )


def suffice(parts: Mapping[int, Results]) -> bool:
    """Return True if the blocks of a match have the two deals that an interval needs.

    The last block may have one deal alone, and be the first to finish.
    """
    return sum(len(part.points) for part in parts.values()) > 1
