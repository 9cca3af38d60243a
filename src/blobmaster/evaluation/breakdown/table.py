"""Plays rounds of more sizes than an evaluation's own, and splits its results by seat.

By cards and by players, one number varies and the other stays the evaluation's own, with the same
number of deals at each size: of a mix as in training, few rounds would have one card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import Estimate, estimate_mean
from blobmaster.evaluation.breakdown.request import Breakdown
from blobmaster.evaluation.matches import Arena, join_blocks, match_against, suffice
from blobmaster.evaluation.measure import Evaluation, point_leads
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import Pool

Size = tuple[int, int]
"""Players and cards."""


class Row(NamedTuple):
    """A player's results against one opponent at one value of a dimension."""

    opponent: str
    value: int
    """Cards dealt, players, or the seat in the order of the bids: 1 bids and leads first, and the
    last one is the dealer."""
    deals: int
    points: Estimate
    """Points a round."""
    exact: Estimate
    """Share of bids made exactly."""
    lead: Estimate
    """Points a round above the mean opponent: at the same table, or by seat in the same seat."""


class BreakdownMatches:
    """The matches of a breakdown and their results so far."""

    def __init__(
        self,
        breakdown: Breakdown,
        evaluation: Evaluation,
        new_arena: Callable[[int, int], tuple[Arena, RatingSettings]],
        settings: RatingSettings,
        seed: int,
    ) -> None:
        """Args:
        breakdown: the tables to make.
        evaluation: the evaluation; its own results are not played again.
        new_arena: returns an arena for rounds of (players, cards), with its settings.
        settings: the evaluation's.
        seed: the bootstrap's seed.
        """
        self._breakdown, self._evaluation = breakdown, evaluation
        self._new_arena, self._settings, self._seed = new_arena, settings, seed
        self._parts: dict[tuple[Size, int], dict[int, Results]] = {}

    @property
    def total_deals(self) -> int:
        """Deals of all matches."""
        sizes = self._breakdown.sizes(self._settings)
        return len(sizes) * len(self._evaluation.opponents) * self._settings.deals

    def play(
        self, pool: Pool, *, should_stop: Callable[[], bool], on_deals: Callable[[int], None]
    ) -> None:
        """Play the sizes one after another; see `Arena.play` for the arguments.

        `rows` returns the results so far, also after an exception.
        """
        player, opponents = self._evaluation.player, self._evaluation.opponents
        for size in self._breakdown.sizes(self._settings):
            arena, settings = self._new_arena(*size)
            matches = [match_against(player, opponent, settings) for opponent in opponents]
            blocks = range(arena.block_count(matches[0]))
            wanted = [(number, block) for block in blocks for number in range(len(matches))]
            for number, block, results in arena.play_blocks(
                matches, wanted, pool, should_stop=should_stop, on_deals=on_deals
            ):
                self._parts.setdefault((size, number), {})[block] = results

    def tables(self) -> dict[str, list[Row]]:
        """Return the rows so far of each dimension, opponent by opponent."""
        asked, settings = self._breakdown, self._settings
        found = {}
        if asked.cards:
            found["cards"] = self._by_size([(n, (settings.players, n)) for n in asked.cards])
        if asked.players:
            found["players"] = self._by_size([(n, (n, settings.cards)) for n in asked.players])
        if asked.seat:
            found["seat"] = self._by_seat()
        return found

    def _by_size(self, sizes: Sequence[tuple[int, Size]]) -> list[Row]:
        rows = []
        for number in range(len(self._evaluation.opponents)):
            for value, size in sizes:
                row = self._row(number, value, size)
                rows += [] if row is None else [row]
        return rows

    def _row(self, number: int, value: int, size: Size) -> Row | None:
        opponent = self._evaluation.opponents[number]
        if size == (self._settings.players, self._settings.cards):
            # The very estimates of the evaluation's own table: another bootstrap of the same deals
            # would show slightly different intervals.
            for own in self._evaluation.found():
                if own.opponent == opponent:
                    return Row(opponent, value, own.deals, own.points, own.exact, own.lead)
            return None
        parts = dict(self._parts.get((size, number), {}))  # blocks may still be coming in
        if not suffice(parts):
            return None
        results = join_blocks(parts)
        draws = generator(self._seed, "evaluation intervals by size", *size, number)
        return self._estimated(
            opponent,
            value,
            results.points[:, :, 0].mean(axis=1),
            results.exact[:, :, 0].mean(axis=1),
            point_leads(results).mean(axis=1),
            draws,
        )

    def _by_seat(self) -> list[Row]:
        rows = []
        for number, opponent in enumerate(self._evaluation.opponents):
            played = self._evaluation.played(number)
            if played is None:
                continue
            for place in range(self._settings.players):
                draws = generator(self._seed, "evaluation intervals by seat", place, number)
                figures = seat_results(*played, place)
                rows.append(self._estimated(opponent, place + 1, *figures, draws))
        return rows

    def _estimated(
        self,
        opponent: str,
        value: int,
        points: npt.NDArray[np.float64],
        exact: npt.NDArray[np.float64],
        leads: npt.NDArray[np.float64],
        draws: np.random.Generator,
    ) -> Row:
        """Estimate the means of three figures per deal (`[deals]`)."""
        figures = [
            estimate_mean(values, self._settings.bootstrap, draws)
            for values in (points, exact, leads)
        ]
        return Row(opponent, value, len(points), *figures)


def seat_results(
    results: Results, dealers: npt.NDArray[np.int64], place: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return points, share of exact bids and lead of the player of place 0 in one seat.

    The lead is over the mean of the opponents in the same seat with the same hand, in the other
    rotations of the deal. So neither the luck of the hand nor the advantage of the seat counts, and
    the mean over all seats is the lead of the whole match.

    Args:
        results: the match.
        dealers: `[deals]`, the dealer's seat.
        place: the place in the order of the bids; 0 is left of the dealer.

    Returns:
        Three times `[deals]`.
    """
    deals, seats = np.arange(len(dealers)), results.points.shape[2]
    seat = (dealers + 1 + place) % seats
    # In rotation r, place p sits at seat (p + r) modulo the seats; see `Results`.
    rotations = [(seat - other) % seats for other in range(seats)]
    points = np.stack([results.points[deals, rotations[p], p] for p in range(seats)], axis=1)
    exact = results.exact[deals, rotations[0], 0]
    own = points[:, 0].astype(np.float64)
    return own, exact, own - points[:, 1:].mean(axis=1)
