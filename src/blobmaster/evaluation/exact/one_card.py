"""The one-card round, exactly: play is forced there, so that bids are all that is chosen.

Seats are numbered in order of play: seat 0 leads, the last one deals. A seat bids once, knowing
its card and the bids before it. Those bids are a path in a binary tree, and tree and card
together are an information set: `node = 2**seat - 1 + history`, where the first bid is the
highest bit of `history`. A policy is `[nodes, cards]`: the probability of bidding 1.

Nobody's bid changes who takes the trick. So a seat's bid earns 10 or 11 points by its own card and
by what the bids before it tell of the others' cards, and later bids mean nothing to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.gains import Gains
from blobmaster.game.cards import CARDS, RANKS, SUITS
from blobmaster.game.scoring import score
from blobmaster.kernels.compile import kernel

BidPolicy = npt.NDArray[np.float64]
"""`[nodes, cards]`: the probability of bidding 1."""

BidValues = npt.NDArray[np.float64]
"""`[nodes, cards, 2]`: expected points of bidding 0 and 1, times the chance of coming there."""


class OneCardRound(NamedTuple):
    """One card each from `deck`."""

    players: int
    trump: int
    deck: tuple[int, ...] = tuple(range(CARDS))

    @property
    def nodes(self) -> int:
        """Nodes of the tree of bids."""
        return 2**self.players - 1

    def nodes_of(self, seat: int) -> slice:
        """Those at which `seat` bids."""
        return slice(2**seat - 1, 2 ** (seat + 1) - 1)


def legal_bids(players: int) -> npt.NDArray[np.bool_]:
    """`[nodes, 2]`: which bids a node allows. The dealer may not make the sum equal 1."""
    legal = np.ones((2**players - 1, 2), np.bool_)
    for history in range(2 ** (players - 1)):
        total = history.bit_count()
        if total <= 1:
            legal[2 ** (players - 1) - 1 + history, 1 - total] = False
    return legal


def uniform_policy(game: OneCardRound) -> BidPolicy:
    """Any legal bid, all alike."""
    legal = legal_bids(game.players)
    return np.repeat((legal[:, 1] / legal.sum(axis=1))[:, None], len(game.deck), axis=1)


def gains(game: OneCardRound, policy: BidPolicy) -> Gains:
    """What each seat makes by `policy`, and by its best response to it."""
    values = bid_values(game, policy)
    made = policy * values[:, :, 1] + (1 - policy) * values[:, :, 0]
    best = np.where(legal_bids(game.players)[:, None], values, -np.inf).max(axis=2)
    seats = [game.nodes_of(seat) for seat in range(game.players)]
    return Gains(
        np.array([made[nodes].sum() for nodes in seats]),
        np.array([best[nodes].sum() for nodes in seats]),
    )


def bid_values(game: OneCardRound, policy: BidPolicy) -> BidValues:
    """The counterfactual value of every bid: over all deals, weighted by the others' bids."""
    deck = np.array(game.deck)
    strength = _strengths(deck, game.trump)
    values = np.empty((game.nodes, len(deck), 2))
    _value_bids(game.players, deck // RANKS, strength, strength.argsort(axis=1), policy, values)
    return values


def _strengths(deck: npt.NDArray[np.int64], trump: int) -> npt.NDArray[np.int64]:
    """`[suits, cards]`: each card's rank in a trick led by a suit; 0 takes no trick."""
    suit, rank = deck // RANKS, deck % RANKS
    led = np.arange(SUITS)[:, None]
    return np.where(suit == trump, 2 * RANKS + rank, np.where(suit == led, RANKS + rank, 0))


# The kernels sum over ordered deals of distinct cards. Cards come one after another, and each may
# go to one seat or to none: `sums[mask]` is the weight of all ways in which the seats of `mask`
# hold cards that have come. A seat that has bid weighs a card by the chance that it bids so with
# it; one that has not bid takes any card that is left, which is a count.

Numbers = npt.NDArray[np.float64]
Cards = npt.NDArray[np.int64]


@kernel
def _ways(cards: int, seats: int) -> float:
    """In how many ways `seats` seats take one of `cards` cards each."""
    ways = 1.0
    for taken in range(seats):
        ways *= max(cards - taken, 0)
    return ways


@kernel
def _add_card(sums: Numbers, reach: Numbers, first: int, card: int) -> None:
    """Let `card` come: seat `first + j` may take it, where j is a bit of the masks."""
    for mask in range(len(sums) - 1, 0, -1):
        for j in range(len(reach) - first):
            if mask >> j & 1:
                sums[mask] += sums[mask ^ (1 << j)] * reach[first + j, card]


@kernel
def _weight_without(sums: Numbers, reach: Numbers, card: int, rest: Numbers) -> float:
    """The weight of all seats' cards with `card` among none of them: `_add_card` undone."""
    for mask in range(len(sums)):
        rest[mask] = sums[mask]
        for j in range(len(reach)):
            if mask >> j & 1:
                rest[mask] -= rest[mask ^ (1 << j)] * reach[j, card]
    return rest[-1]


@kernel
def _reach_bids(policy: BidPolicy, node: int, reach: Numbers) -> None:
    """Write `[seats before, cards]`: the chance that a seat with a card bids as on the way."""
    seats = len(reach)
    for seat in range(seats):
        before = ((node + 1) >> (seats - seat)) - 1
        bid = (node + 1) >> (seats - seat - 1) & 1
        for card in range(policy.shape[1]):
            reach[seat, card] = policy[before, card] if bid == 1 else 1.0 - policy[before, card]


@kernel
def _weigh_wins(
    suits: Cards, strength: Cards, order: Cards, reach: Numbers, later: int, wins: Numbers
) -> None:
    """Write the weight of the deals in which a card takes the trick for the seat that bids.

    For each lead the others' cards come from the weakest up: what has come before a card is what
    it beats.
    """
    seat = len(reach)
    sums = np.empty(1 << (seat - 1))
    wins[:] = 0.0
    for lead in range(len(suits)):
        led = suits[lead]
        sums[:] = 0.0
        sums[0] = 1.0
        weaker = 0
        for card in order[led]:
            if card == lead:
                continue
            if strength[led, card] > strength[led, lead]:
                left = _ways(weaker - (seat - 1), later)
                wins[card] += reach[0, lead] * sums[-1] * left
            _add_card(sums, reach, 1, card)
            weaker += 1


@kernel
def _weigh_leads(suits: Cards, strength: Cards, players: int, wins: Numbers) -> None:
    """`_weigh_wins` for the leader."""
    for lead in range(len(suits)):
        weaker = 0
        for card in range(len(suits)):
            if strength[suits[lead], card] < strength[suits[lead], lead]:
                weaker += 1
        wins[lead] = _ways(weaker, players - 1)


@kernel
def _value_bids(
    players: int,
    suits: Cards,
    strength: Cards,
    order: Cards,
    policy: BidPolicy,
    values: BidValues,
) -> None:
    cards = len(suits)
    deals = _ways(cards, players)
    wins = np.empty(cards)
    for seat in range(players):
        later = players - 1 - seat
        reach = np.empty((seat, cards))
        sums = np.empty(1 << seat)
        rest = np.empty(1 << seat)
        for node in range((1 << seat) - 1, (2 << seat) - 1):
            _reach_bids(policy, node, reach)
            if seat == 0:
                _weigh_leads(suits, strength, players, wins)
            else:
                _weigh_wins(suits, strength, order, reach, later, wins)
            sums[:] = 0.0
            sums[0] = 1.0
            for card in range(cards):
                _add_card(sums, reach, 0, card)
            for card in range(cards):
                weight = _weight_without(sums, reach, card, rest)
                weight *= _ways(cards - 1 - seat, later)
                values[node, card, 0] = score(0, 0) * (weight - wins[card]) / deals
                values[node, card, 1] = score(1, 1) * wins[card] / deals
