"""Measures one player against a list of opponents, on duplicate deals with rotated seats.

A deal is a round, or a whole game whose cards are all dealt beforehand. At each table, all seats
but the player's hold copies of one opponent. All opponents get the same deals. Elo is fitted to all
tables together, as in a rating; intervals come from a bootstrap over deals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.rating import RatingSettings
from blobmaster.evaluation.arena import Results
from blobmaster.evaluation.bootstrap import Estimate, estimate_mean, student_mean
from blobmaster.evaluation.elo import League
from blobmaster.evaluation.matches import (
    Arena,
    join_blocks,
    match_against,
    ranking_scores,
    suffice,
)
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import Pool

INTERIM_LOOKS = 10
"""Number of interim analyses of an evaluation that may stop early, at even shares of its deals."""

INTERIM_LEVEL = 0.9894
"""Confidence level of each interim interval. All ten together then have a level of 95 % (Pocock
1977: 2.555 standard errors; Jennison and Turnbull 2000, table 2.1). Student's interval is used:
with the bootstrap's, 7 % of evaluations of equal players found a winner."""

ELO_RESAMPLES = 400
"""Resamples for Elo, fewer than for other values since each needs a fit of its own."""


class OpponentResult(NamedTuple):
    """A player's results at tables of one opponent."""

    opponent: str
    deals: int
    """Deals played, each in every rotation of the seats."""
    points: Estimate
    """Points per round or game."""
    exact: Estimate
    """Share of bids made exactly."""
    wins: Estimate
    """Share of rounds or games won, that is, with the most points; ties are shared."""
    lead: Estimate
    """Points per round or game above the mean opponent at the same table."""
    is_sure: bool
    """True if the interval excludes a tie: of the lead, or of the wins for whole games. If the
    evaluation may stop early, this interval is wider, so that its level of 95 % holds whenever the
    evaluation stops."""


class Evaluation:
    """The matches of one player and their results so far."""

    def __init__(
        self,
        player: str,
        opponents: Sequence[str],
        arena: Arena,
        settings: RatingSettings,
        seed: int,
        *,
        until_sure: bool,
    ) -> None:
        """Args:
        player, opponents: names of the arena's players; the first opponent anchors the Elo.
        arena: plays the matches; it must deal the same cards for all opponents.
        settings: the arena's settings.
        seed: the bootstrap's seed.
        until_sure: if True, stop playing an opponent once it is clear who is ahead.
        """
        self.player = player
        self.opponents = opponents
        self._arena = arena
        self._settings = settings
        self._seed = seed
        self._until_sure = until_sure
        self._matches = [match_against(player, opponent, settings) for opponent in opponents]
        self._parts: list[dict[int, Results]] = [{} for _ in opponents]

    def play(
        self, pool: Pool, *, should_stop: Callable[[], bool], on_deals: Callable[[int], None]
    ) -> Iterator[OpponentResult]:
        """Play the matches and yield each opponent's result when it is final.

        `found` returns the results so far, also after an exception. See `Arena.play` for the
        arguments.
        """
        left = list(range(len(self._matches)))
        blocks = self._arena.block_count(self._matches[0])
        ends = interim_ends(blocks) if self._until_sure else [blocks]
        # All opponents still in doubt are played up to the next look together: with one after
        # another, workers would idle at the end of every match.
        for begin, end in zip([0, *ends], ends, strict=False):
            wanted = [(number, block) for block in range(begin, end) for number in left]
            for number, block, results in self._arena.play_blocks(
                self._matches, wanted, pool, should_stop=should_stop, on_deals=on_deals
            ):
                self._parts[number][block] = results
            # A match may lack blocks here, so nothing more is called final; `found`
            # still has what was played.
            if should_stop():
                return
            for number in list(left):
                if end == blocks or self._found(number).is_sure:
                    left.remove(number)
                    yield self._found(number)
            if not left:
                return

    def found(self) -> list[OpponentResult]:
        """Return the results so far in the order of the opponents.

        Those are left out that have not been played yet, or in one deal only.
        """
        return [
            self._found(number) for number, parts in enumerate(self._parts) if suffice(dict(parts))
        ]

    def elos(self) -> dict[str, Estimate]:
        """Estimate the Elo of the player and of all opponents that `found` returns."""
        league = League([self.opponents[0]])
        for number, match in enumerate(self._matches):
            parts = dict(self._parts[number])  # blocks may still be coming in
            if suffice(parts):
                made = ranking_scores(join_blocks(parts), whole_games=self._arena.whole_games)
                # Every place but the first holds the one opponent, so a
                # ranking names it several times.
                lineups = np.zeros_like(made)
                lineups[:, 1:] = 1
                league.add(match.names, lineups, made)
        draws = generator(self._seed, "evaluation elo")
        return league.estimates(ELO_RESAMPLES, draws)

    def _found(self, number: int) -> OpponentResult:
        results = self._results(number)
        # Derived anew for each call: a result that is shown again has the same interval.
        draws = generator(self._seed, "evaluation intervals", number)

        def mean(values: npt.NDArray[Any]) -> Estimate:
            """Estimate the mean of `[deals, rotations]`."""
            return estimate_mean(values.mean(axis=1), self._settings.bootstrap, draws)

        def decisive(values: npt.NDArray[np.float64]) -> Estimate:
            """Estimate the measure that decides who is ahead, valid for every interim look."""
            return (
                student_mean(values.mean(axis=1), INTERIM_LEVEL)
                if self._until_sure
                else mean(values)
            )

        points, exact = mean(results.points[:, :, 0]), mean(results.exact[:, :, 0])
        if self._arena.whole_games:
            wins, lead = decisive(results.wins[:, :, 0]), mean(point_leads(results))
            even = 1.0 / results.wins.shape[2]
            is_sure = wins.low > even or wins.high < even
        else:
            wins, lead = mean(results.wins[:, :, 0]), decisive(point_leads(results))
            is_sure = lead.low > 0 or lead.high < 0
        opponent = self.opponents[number]
        return OpponentResult(opponent, len(results.points), points, exact, wins, lead, is_sure)

    def played(self, number: int) -> tuple[Results, npt.NDArray[np.int64]] | None:
        """Return the results against an opponent so far, and the dealers' seats, `[deals]`.

        Only for single rounds; None if `found` leaves the opponent out.
        """
        parts = dict(self._parts[number])  # blocks may still be coming in
        if not suffice(parts):
            return None
        match = self._matches[number]
        dealt = [self._arena.deals(match, block).plan[:, 3] for block in sorted(parts)]
        return join_blocks(parts), np.concatenate(dealt)

    def _results(self, number: int) -> Results:
        return join_blocks(dict(self._parts[number]))  # blocks may still be coming in


# Per deal and rotation: the luck of a deal hits both sides, and the difference removes part of it.
def point_leads(results: Results) -> npt.NDArray[np.float64]:
    """Return `[deals, rotations]`: the points of place 0 above the mean of the other places."""
    return results.points[:, :, 0] - results.points[:, :, 1:].mean(axis=2)


def interim_ends(blocks: int) -> list[int]:
    """Return the block counts after which to look: ten evenly spread, or every one if fewer."""
    return sorted({-(-blocks * look // INTERIM_LOOKS) for look in range(1, INTERIM_LOOKS + 1)})
