"""Exact shares of the win in the last round of a game, if that round has one card each.

The scores of the earlier rounds are given, and the bids are the only decisions, as in `one_card`.
Unlike points, a share of the win depends on everybody's bids, so all deals are listed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.arena import shares_of_win
from blobmaster.evaluation.exact.one_card import BidPolicy, BidValues, OneCardRound, strengths
from blobmaster.game.cards import RANKS
from blobmaster.game.scoring import score
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import generator

MOST_PLAYERS = 4
"""With five players there are 312 million deals of one card each."""

MADE = 0.75
"""Share of the earlier bids that are made exactly when scores are drawn."""

Numbers = npt.NDArray[np.float64]


class LastRound(NamedTuple):
    """A one-card round after which the game ends."""

    game: OneCardRound
    scores: tuple[int, ...]
    """Points in the earlier rounds, by seat: the leader first, the dealer last."""


def draw_scores(players: int, count: int) -> list[tuple[int, ...]]:
    """Draw the scores before the last round of `count` games of one card, always the same ones.

    A game of one card has as many rounds as players.
    """
    draws = generator(0, "last rounds", players)
    won = [0.0, score(0, 0), score(1, 1)]
    chances = [1 - MADE, MADE * (1 - 1 / players), MADE / players]
    points = draws.choice(won, p=chances, size=(count, players - 1, players))
    return [tuple(seats) for seats in points.sum(axis=1).astype(np.int64).tolist()]


def win_values(last: LastRound, policy: BidPolicy) -> BidValues:
    """Compute the counterfactual value of every bid under `policy`, in shares of the win."""
    game = last.game
    players, deck = game.players, np.array(game.deck)
    reach = _reach(game, policy)
    sums = np.zeros_like(reach)
    _sum_over_deals(deck // RANKS, strengths(deck, game.trump), reach, _payoffs(last), sums)
    values = np.zeros((game.nodes, len(deck), 2))
    for bids in range(2**players):
        for seat in range(players):
            values[_node(players, bids, seat), :, _bid(players, bids, seat)] += sums[seat, :, bids]
    deals = np.prod([len(deck) - seat for seat in range(players)])
    return values / deals


def _bid(players: int, bids: int, seat: int) -> int:
    """Return the seat's bid; the leader's is the highest bit of `bids`."""
    return bids >> (players - 1 - seat) & 1


def _node(players: int, bids: int, seat: int) -> int:
    """Return the node of the bid tree at which the seat bids, see `one_card`."""
    return 2**seat - 1 + (bids >> (players - seat))


def _reach(game: OneCardRound, policy: BidPolicy) -> Numbers:
    """Return `[seats, cards, bids]`: the probability of the seat's bid with each card."""
    players = game.players
    reach = np.empty((players, len(game.deck), 2**players))
    for bids in range(2**players):
        for seat in range(players):
            high = policy[_node(players, bids, seat)]
            reach[seat, :, bids] = high if _bid(players, bids, seat) else 1 - high
    return reach


def _payoffs(last: LastRound) -> Numbers:
    """Return `[winner, seats, bids]`: each seat's share of the win."""
    players = last.game.players
    totals = np.empty((players, 2**players, players), np.int64)
    for winner in range(players):
        for bids in range(2**players):
            for seat in range(players):
                made = score(_bid(players, bids, seat), int(seat == winner))
                totals[winner, bids, seat] = last.scores[seat] + made
    return np.ascontiguousarray(shares_of_win(totals).transpose(0, 2, 1))


@kernel
def _sum_over_deals(
    suits: npt.NDArray[np.int64],
    strength: npt.NDArray[np.int64],
    reach: Numbers,
    payoffs: Numbers,
    sums: Numbers,
) -> None:
    """Add, for each seat, card and all bids, payoff times the probability of the others' bids.

    Args:
        suits: `[cards]`.
        strength: `[suits, cards]`, see `one_card.strengths`.
        reach: `[seats, cards, bids]`.
        payoffs: `[winner, seats, bids]`.
        sums: `[seats, cards, bids]`, zeros.
    """
    players, cards, lines = reach.shape
    hand = np.zeros(players, np.int64)
    others = np.empty(lines)
    # An odometer over all hands of one card. Bids are the last axis everywhere, so that the
    # compiler handles all lines of bids at once.
    for deal in range(cards**players):
        rest, taken, distinct = deal, 0, True
        for seat in range(players):
            hand[seat] = rest % cards
            rest //= cards
            distinct = distinct and taken >> hand[seat] & 1 == 0
            taken |= 1 << hand[seat]
        if not distinct:
            continue
        led = suits[hand[0]]
        winner = 0
        for seat in range(1, players):
            if strength[led, hand[seat]] > strength[led, hand[winner]]:
                winner = seat
        for seat in range(players):
            for line in range(lines):
                others[line] = payoffs[winner, seat, line]
            for other in range(players):
                if other != seat:
                    for line in range(lines):
                        others[line] *= reach[other, hand[other], line]
            for line in range(lines):
                sums[seat, hand[seat], line] += others[line]
