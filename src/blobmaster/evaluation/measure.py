"""Measures one player against others: duplicate deals, every seat rotated, intervals over deals.

A deal is a round, or a whole game all of whose cards are dealt beforehand.

For each opponent there are tables at which all others are copies of it. All opponents are met on
the same deals. Elo comes from all tables together, as in a rating.
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
from blobmaster.evaluation.matches import Arena, joined, match_against, merits
from blobmaster.kernels.rng import generator
from blobmaster.selfplay.pool import Pool

LOOKS = 10
"""How often an evaluation that may stop early looks at what it has: after each tenth."""

LOOK_LEVEL = 0.9894
"""The level of the interval at each look. All ten hold the truth together 95 times in 100
(Pocock 1977; 2.555 standard errors, Jennison and Turnbull 2000, table 2.1). It is Student's
interval: by the bootstrap's, 7 in 100 evaluations of equal players found a winner."""

ELO_RESAMPLES = 400
"""Each is a fit of its own; the other values take the settings' number."""


class Found(NamedTuple):
    """What a player made at tables of one opponent, in rounds or games of given size."""

    opponent: str
    deals: int
    """Deals played, each with every rotation of the seats."""
    points: Estimate
    """Points a round or game."""
    exact: Estimate
    """Share of bids made exactly."""
    wins: Estimate
    """Share of wins of a table: the most points of a round or game, ties shared."""
    lead: Estimate
    """Points a round or game above the opponents at the same table."""
    is_sure: bool
    """Whether it is beyond doubt who is ahead: by the lead, in games by the wins. Where an
    evaluation may stop early, the interval of that measure is wider: it holds the truth 95 times
    in 100 whenever it stops."""


class Evaluation:
    """One player's matches, and what is known of them so far."""

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
        player, opponents: names of the arena's players; the first opponent is the one that Elo
            is counted from.
        arena: deals the same cards for all opponents.
        settings: what the arena has.
        seed: of the bootstrap.
        until_sure: stop meeting an opponent once it is beyond doubt who is ahead.
        """
        self._player = player
        self._opponents = opponents
        self._arena = arena
        self._settings = settings
        self._seed = seed
        self._until_sure = until_sure
        self._matches = [match_against(player, opponent, settings) for opponent in opponents]
        self._parts: list[dict[int, Results]] = [{} for _ in opponents]

    def play(
        self, pool: Pool, *, should_stop: Callable[[], bool], on_deals: Callable[[int], None]
    ) -> Iterator[Found]:
        """Play the matches; yields each opponent's result when it is final.

        What is known at any time, or after an exception, is in `found`. See `Arena.play`.
        """
        left = list(range(len(self._matches)))
        blocks = self._arena.block_count(self._matches[0])
        ends = look_ends(blocks) if self._until_sure else [blocks]
        for begin, end in zip([0, *ends], ends, strict=False):
            wanted = [(number, block) for block in range(begin, end) for number in left]
            for number, block, results in self._arena.play_blocks(
                self._matches, wanted, pool, should_stop=should_stop, on_deals=on_deals
            ):
                self._parts[number][block] = results
            if should_stop():
                return
            for number in list(left):
                if end == blocks or self._found(number).is_sure:
                    left.remove(number)
                    yield self._found(number)
            if not left:
                return

    def found(self) -> list[Found]:
        """What is known so far, in the order of the opponents; one that was not met is left out."""
        return [self._found(number) for number, parts in enumerate(self._parts) if parts]

    def elos(self) -> dict[str, Estimate]:
        """The Elo of everyone that was met and of the player, by all results so far."""
        league = League([self._opponents[0]])
        for match, parts in zip(self._matches, self._parts, strict=True):
            if parts:
                made = merits(joined(dict(parts)), whole_games=self._arena.whole_games)
                lineups = np.zeros_like(made)
                lineups[:, 1:] = 1
                league.add(match.names, lineups, made)
        draws = generator(self._seed, "evaluation elo")
        return league.estimates(ELO_RESAMPLES, draws)

    def _found(self, number: int) -> Found:
        results = self._results(number)
        draws = generator(self._seed, "evaluation intervals", number)

        def mean(values: npt.NDArray[Any]) -> Estimate:
            """Of `[deals, rotations]`."""
            return estimate_mean(values.mean(axis=1), self._settings.bootstrap, draws)

        def decisive(values: npt.NDArray[np.float64]) -> Estimate:
            """Of the measure that tells who is ahead, which may be looked at ten times."""
            return (
                student_mean(values.mean(axis=1), LOOK_LEVEL) if self._until_sure else mean(values)
            )

        points, exact = mean(results.points[:, :, 0]), mean(results.exact[:, :, 0])
        if self._arena.whole_games:
            wins, lead = decisive(results.wins[:, :, 0]), mean(leads(results))
            even = 1.0 / results.wins.shape[2]
            is_sure = wins.low > even or wins.high < even
        else:
            wins, lead = mean(results.wins[:, :, 0]), decisive(leads(results))
            is_sure = lead.low > 0 or lead.high < 0
        opponent = self._opponents[number]
        return Found(opponent, len(results.points), points, exact, wins, lead, is_sure)

    def _results(self, number: int) -> Results:
        return joined(dict(self._parts[number]))  # blocks may still be coming in


def leads(results: Results) -> npt.NDArray[np.float64]:
    """`[deals, rotations]`: points of place 0 above the mean of the others."""
    return results.points[:, :, 0] - results.points[:, :, 1:].mean(axis=2)


def look_ends(blocks: int) -> list[int]:
    """After how many blocks there is a look: ten, evenly spread, or after each block if fewer."""
    return sorted({-(-blocks * look // LOOKS) for look in range(1, LOOKS + 1)})
