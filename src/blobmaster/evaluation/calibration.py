"""Calibration of a network's P(exact), its own estimate that a bid will be made exactly.

A calibrated network makes a share p of the bids to which it gives probability p. The network sits
at every seat and plays without search. The actor, which sees one hand, states P(exact) twice: when
it bids, and at the seat's first choice of a card, when all bids are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.config.rating import RatingSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    BIDS,
    FIRST_BID,
    MAX_LEGAL,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    deal_into,
    is_over,
    legal_actions,
    play_forced,
)
from blobmaster.inference.evaluator import NetworkEvaluator
from blobmaster.kernels.arrays import first_largest
from blobmaster.kernels.compile import kernel
from blobmaster.model.layers import Parts
from blobmaster.model.network import BlobNetwork
from blobmaster.selfplay.deals import Deals, deal
from blobmaster.selfplay.pool import Pool

ROUNDS_A_DEAL = 8
"""Rounds per deal of a rating's matches. A perfectly calibrated network shows an error of about 0.7
% in 4,800 rounds of four players by chance alone."""

BINS = 10
"""Number of bins of P(exact): 0 to 10 %, 10 to 20 %, ..."""

Share = npt.NDArray[np.float64]


class Bids(NamedTuple):
    """Bids that a network chose, with their outcomes; forced bids are left out."""

    cards: npt.NDArray[np.int64]
    """`[bids]`: cards dealt to each seat."""
    bid: npt.NDArray[np.int64]
    tricks: npt.NDArray[np.int64]
    """`[bids]`: tricks taken by the end of the round."""
    at_bid: Share
    """`[bids]`: P(exact) at the bid."""
    at_first_card: Share
    """`[bids]`: P(exact) at the first card; NaN if the seat never had a choice of cards."""


class Reliability(NamedTuple):
    """Calibration error of predicted probabilities."""

    error: float
    """Expected calibration error: the mean over bins, weighted by their bids, of the distance
    between the mean P(exact) and the share of bids made (Guo et al. 2017)."""
    chance: float
    """The expected error of a perfectly calibrated network on the same bids."""


class ByCards(NamedTuple):
    """Bids and outcomes of the rounds with one number of cards."""

    cards: int
    bids: int
    said: float
    """Mean P(exact) at the bid."""
    made: float
    """Share of the bids that were made exactly."""
    bid: float
    tricks: float
    """Mean bid and mean tricks taken, per seat."""


class Calibration(NamedTuple):
    """The calibration of a network's bids."""

    at_bid: Reliability
    at_first_card: Reliability
    by_cards: tuple[ByCards, ...]

    def metrics(self) -> dict[str, Any]:
        """Return the fields of a run's history; the lists begin at one card."""
        return {
            "calibration_error": self.at_bid.error,
            "calibration_error_by_chance": self.at_bid.chance,
            "calibration_error_at_first_card": self.at_first_card.error,
            "said_exact_by_cards": [row.said for row in self.by_cards],
            "made_exact_by_cards": [row.made for row in self.by_cards],
        }


class CalibrationMatch:
    """Plays rounds to measure calibration; all rounds of a block have the same number of cards."""

    def __init__(
        self, settings: RatingSettings, draws: Callable[[int], np.random.Generator]
    ) -> None:
        """Args:
        settings: seats, most cards and deals. `ROUNDS_A_DEAL` rounds are played per deal, divided
            evenly among the numbers of cards, from one up.
        draws: returns the generator that deals a block's cards; it can be pickled.
        """
        self._players = settings.players
        self._draws = draws
        # Rounded up, so that every number of cards gets at least one round.
        rounds = -(-ROUNDS_A_DEAL * settings.deals // settings.cards)
        size = settings.players * settings.deals_per_block  # as many tables as a block of a match
        self._blocks = [
            (cards, min(size, rounds - start))
            for cards in range(1, settings.cards + 1)
            for start in range(0, rounds, size)
        ]

    @property
    def rounds(self) -> int:
        """The number of rounds in all blocks."""
        return sum(rounds for _, rounds in self._blocks)

    def play(
        self,
        network: BlobNetwork,
        device: torch.device,
        pool: Pool,
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Calibration | None:
        """Measure the calibration of a network; return None if play was abandoned.

        Args:
            network: the network, on `device`.
            device: where the network runs.
            pool: plays the blocks.
            should_stop: called by the workers between steps.
            on_rounds: called by the workers with the number of rounds that they finished.
        """

        job, blocks = _CalibrationJob(self, network.parts, device), range(len(self._blocks))
        played = dict(pool.map(job, blocks, should_stop=should_stop, on_units=on_rounds))
        if len(played) < len(blocks):
            return None
        parts = [played[block] for block in blocks]
        return summarize(Bids(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))

    def deals(self, block: int) -> Deals:
        """Deal the rounds of a block."""
        cards, rounds = self._blocks[block]
        mix = RoundMix.of_size(self._players, cards)
        # All rounds of a block have one length, so its tables finish almost together and batches
        # stay large.
        return deal(mix, rounds, self._draws(block))


@dataclass(frozen=True)
class _CalibrationJob:
    """Plays the blocks of a calibration: a `Job`."""

    match: CalibrationMatch
    parts: Parts
    device: torch.device

    def play(
        self, block: int, *, should_stop: Callable[[], bool], on_units: Callable[[int], None]
    ) -> Bids | None:
        """See `Job`."""
        deals = self.match.deals(block)
        evaluator = NetworkEvaluator(self.parts, len(deals), self.device)
        found = record_bids(evaluator, deals, should_stop)
        if found is not None:
            on_units(len(deals))
        return found


def record_bids(
    evaluator: NetworkEvaluator, deals: Deals, should_stop: Callable[[], bool]
) -> Bids | None:
    """Play single rounds and record the bids; return None if play was abandoned.

    Args:
        evaluator: with room for as many rows as there are deals.
        deals: the rounds.
        should_stop: called between steps.
    """
    states = np.empty((len(deals), STATE), np.int64)
    said = np.full((2, len(deals), MAX_PLAYERS), np.nan)  # NaN: the seat has not chosen yet
    waiting = _open_all(states, deals.plan, deals.deck)
    while len(waiting) > 0:
        if should_stop():
            return None
        priors, exact = evaluator.forecasts(states[waiting])
        waiting = _take_most_likely(states, waiting, priors, exact, said)
    chosen = ~np.isnan(said[0])  # forced bids and missing seats stay NaN
    return Bids(
        np.repeat(deals.plan[:, 1:2], MAX_PLAYERS, axis=1)[chosen],
        states[:, BIDS : BIDS + MAX_PLAYERS][chosen],
        states[:, TRICKS : TRICKS + MAX_PLAYERS][chosen],
        said[0][chosen],
        said[1][chosen],
    )


@kernel
def _open_all(
    states: State, plan: npt.NDArray[np.int64], deck: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Deal all rounds; return the rows that wait for a decision."""
    waiting = np.empty(len(states), np.int64)
    count = 0
    for row in range(len(states)):
        players, cards, trump, dealer = plan[row]
        deal_into(states[row], players, cards, trump, dealer, deck[row])
        play_forced(states[row])
        if not is_over(states[row]):
            waiting[count] = row
            count += 1
    return waiting[:count]


@kernel
def _take_most_likely(
    states: State,
    waiting: npt.NDArray[np.int64],
    priors: npt.NDArray[np.float32],
    exact: npt.NDArray[np.float32],
    said: Share,
) -> npt.NDArray[np.int64]:
    """Take each round's most likely action and record its P(exact).

    Args:
        states: `[rounds, STATE]`, changed in place.
        waiting: `[rows]`, the rounds that wait for a decision.
        priors: `[rows, MAX_LEGAL]`.
        exact: `[rows, tricks]`, the probability of each number of tricks for the acting seat.
        said: `[2, rounds, MAX_PLAYERS]`, written: P(exact) at the bid and at the first card.

    Returns:
        The rounds that still wait for a decision.
    """
    legal = np.empty(MAX_LEGAL, np.int64)
    still = np.empty(len(waiting), np.int64)
    left = 0
    for i in range(len(waiting)):
        row = waiting[i]
        state = states[row]
        seat = state[SEAT]
        count = legal_actions(state, legal)
        action = legal[first_largest(priors[i], count)]
        if action >= FIRST_BID:
            said[0, row, seat] = exact[i, action - FIRST_BID]
        # Only the first card counts: later ones are played when tricks have
        # settled most of the outcome.
        elif np.isnan(said[1, row, seat]):
            said[1, row, seat] = exact[i, state[BIDS + seat]]
        apply(state, action)
        play_forced(state)
        if not is_over(state):
            still[left] = row
            left += 1
    return still[:left]


def summarize(bids: Bids) -> Calibration:
    """Summarize bids into calibration errors and means by cards dealt."""
    made = bids.bid == bids.tricks
    played = ~np.isnan(bids.at_first_card)
    by_cards = [
        ByCards(
            cards,
            int(rows.sum()),
            *(float(column[rows].mean()) for column in (bids.at_bid, made, bids.bid, bids.tricks)),
        )
        for cards in np.unique(bids.cards).tolist()
        for rows in [bids.cards == cards]
    ]
    return Calibration(
        reliability(bids.at_bid, made),
        reliability(bids.at_first_card[played], made[played]),
        tuple(by_cards),
    )


def reliability(said: Share, made: npt.NDArray[np.bool_]) -> Reliability:
    """Compare predicted probabilities (`[bids]`) with outcomes (`[bids]`)."""
    # A P(exact) of exactly 1 belongs to the last bin.
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    kept = counts > 0
    stated = np.bincount(bins, said, BINS)[kept] / counts[kept]
    found = np.bincount(bins, made, BINS)[kept] / counts[kept]
    # The variance of a bin's share of made bids if each bid is made with the
    # probability that was said.
    spread = np.bincount(bins, said * (1 - said), BINS)[kept] / counts[kept] ** 2
    shares = counts[kept] / max(len(said), 1)
    # Bin shares are about normal; the mean absolute deviation of a normal variable is
    # sqrt(2 / pi) standard deviations.
    chance = np.sqrt(2 / np.pi * spread)
    return Reliability(float(shares @ abs(stated - found)), float(shares @ chance))
