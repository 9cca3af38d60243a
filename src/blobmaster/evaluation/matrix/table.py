"""The matrix: for every two players, how far one is ahead at tables of the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import Estimate, estimate_mean
from blobmaster.evaluation.matches import Arena, join_blocks, match_against, suffice
from blobmaster.evaluation.measure import point_leads
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import Pool


class Cell(NamedTuple):
    """The result of one player at tables of another."""

    player: str
    others: str
    """The player at all other seats."""
    lead: Estimate
    """Points a round above the mean of the other seats."""
    exact: Estimate
    """Share of bids made."""
    deals: int

    @property
    def is_sure(self) -> bool:
        """True if the interval excludes a tie."""
        return self.lead.low > 0 or self.lead.high < 0


class Matrix:
    """All matches between the players, and their results so far."""

    def __init__(
        self, names: Sequence[str], arena: Arena, settings: RatingSettings, seed: int
    ) -> None:
        """Args:
        names: names of the arena's players.
        arena: plays the matches; it must deal the same cards for all of them.
        settings: the arena's settings.
        seed: the bootstrap's seed.
        """
        self._arena, self._settings, self._seed = arena, settings, seed
        # A player at tables of itself is even by construction.
        self._pairs = list(itertools.permutations(names, 2))
        self._matches = [match_against(one, other, settings) for one, other in self._pairs]
        self._parts: list[dict[int, Results]] = [{} for _ in self._pairs]

    @property
    def total_deals(self) -> int:
        """Deals of all matches."""
        return self._settings.deals * len(self._pairs)

    def play(
        self, pool: Pool, *, should_stop: Callable[[], bool], on_deals: Callable[[int], None]
    ) -> None:
        """Play all matches; `found` returns the results so far, also after an exception.

        See `Arena.play` for the arguments.
        """
        blocks = range(self._arena.block_count(self._matches[0]))
        # Block by block over all pairs: interrupted, every cell has nearly as many deals.
        wanted = [(number, block) for block in blocks for number in range(len(self._pairs))]
        for number, block, results in self._arena.play_blocks(
            self._matches, wanted, pool, should_stop=should_stop, on_deals=on_deals
        ):
            self._parts[number][block] = results

    def found(self) -> list[Cell]:
        """Return the cells with results so far, of two deals or more."""
        return [
            self._cell(number) for number, parts in enumerate(self._parts) if suffice(dict(parts))
        ]

    def _cell(self, number: int) -> Cell:
        results = join_blocks(dict(self._parts[number]))  # blocks may still be coming in
        draws = generator(self._seed, "matrix intervals", number)
        leads, exact = point_leads(results).mean(axis=1), results.exact[:, :, 0].mean(axis=1)
        return Cell(
            *self._pairs[number],
            lead=estimate_mean(leads, self._settings.bootstrap, draws),
            exact=estimate_mean(exact, self._settings.bootstrap, draws),
            deals=len(results.points),
        )
