"""Exact values of the one-card round, in which the bids are the only decisions.

Seats are numbered in order of play: seat 0 leads, the last one deals. A seat bids once, knowing its
card and the earlier bids. The earlier bids are a path in a binary tree; its node and the card are
an information set. `node = 2**seat - 1 + history`, where the first bid is the highest bit of
`history`. A policy is `[nodes, cards]`: the probability of bidding 1.

No bid changes who takes the trick. So the value of a bid depends on the seat's own card and on what
the earlier bids reveal about the other cards, but not on later bids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.gains import Gains
from blobmaster.game.cards import CARDS, RANKS, SUITS
from blobmaster.game.scoring import score
from blobmaster.kernels.compile import inner_kernel, kernel

BidPolicy = npt.NDArray[np.float64]
"""`[nodes, cards]`: the probability of bidding 1."""

BidValues = npt.NDArray[np.float64]
"""`[nodes, cards, 2]`: expected points of bidding 0 and 1, times the probability of getting
there."""


class OneCardRound(NamedTuple):
    """A round with one card each from `deck`."""

    players: int
    trump: int
    deck: tuple[int, ...] = tuple(range(CARDS))

    @property
    def nodes(self) -> int:
        """The number of nodes of the bid tree."""
        return 2**self.players - 1

    def nodes_of(self, seat: int) -> slice:
        """Return the nodes at which `seat` bids."""
        return slice(2**seat - 1, 2 ** (seat + 1) - 1)


def legal_bids(players: int) -> npt.NDArray[np.bool_]:
    """Return `[nodes, 2]`, True for a legal bid. The dealer may not make the bids sum to 1."""
    legal = np.ones((2**players - 1, 2), np.bool_)
    for history in range(2 ** (players - 1)):
        # `total` is the sum of the other bids. At 0 the dealer may not bid 1, at 1 it may not bid
        # 0; above that, both bids are legal.
        total = history.bit_count()
        if total <= 1:
            legal[2 ** (players - 1) - 1 + history, 1 - total] = False
    return legal


def uniform_policy(game: OneCardRound) -> BidPolicy:
    """Return the policy that is uniform over the legal bids."""
    legal = legal_bids(game.players)
    return np.repeat((legal[:, 1] / legal.sum(axis=1))[:, None], len(game.deck), axis=1)


def gains(game: OneCardRound, policy: BidPolicy) -> Gains:
    """Compute each seat's points under `policy` and under its best response to it."""
    return gains_from(game, policy, bid_values(game, policy))


def gains_from(game: OneCardRound, policy: BidPolicy, values: BidValues) -> Gains:
    """Compute each seat's gains from the values of its bids under `policy`."""
    made = policy * values[:, :, 1] + (1 - policy) * values[:, :, 0]
    # The values carry the probability of getting there, so sums over nodes and cards are
    # expectations. The best bid is taken for each node and card, which is all that the seat knows.
    best = np.where(legal_bids(game.players)[:, None], values, -np.inf).max(axis=2)
    seats = [game.nodes_of(seat) for seat in range(game.players)]
    return Gains(
        np.array([made[nodes].sum() for nodes in seats]),
        np.array([best[nodes].sum() for nodes in seats]),
    )


def bid_values(game: OneCardRound, policy: BidPolicy) -> BidValues:
    """Compute the counterfactual value of every bid under `policy`."""
    deck = np.array(game.deck)
    # Cards that take no trick all have strength 0; their order among each other changes nothing.
    strength = strengths(deck, game.trump)
    values = np.empty((game.nodes, len(deck), 2))
    _value_bids(game.players, deck // RANKS, strength, strength.argsort(axis=1), policy, values)
    return values


def strengths(deck: npt.NDArray[np.int64], trump: int) -> npt.NDArray[np.int64]:
    """Return `[suits, cards]`: a card's strength in a trick led by a suit; 0 takes no trick."""
    suit, rank = deck // RANKS, deck % RANKS
    led = np.arange(SUITS)[:, None]
    return np.where(suit == trump, 2 * RANKS + rank, np.where(suit == led, RANKS + rank, 0))


# The kernels sum over all ordered deals of distinct cards without listing them, by dynamic
# programming over subsets of seats (a permanent). Cards are added one at a time, and each goes to
# one seat or to none: `sums[mask]` is the total weight of all ways to give the cards so far to the
# seats of `mask`. A seat that has bid weighs a card by the probability of its bid with that card.
# Seats that bid later take any of the cards left, so they only contribute a count (`_ways`).

Numbers = npt.NDArray[np.float64]
Cards = npt.NDArray[np.int64]


@inner_kernel
def _ways(cards: int, seats: int) -> float:
    """Count the ways in which `seats` seats can each take one of `cards` cards."""
    ways = 1.0
    for taken in range(seats):
        ways *= max(cards - taken, 0)
    return ways


@inner_kernel
def _add_card(sums: Numbers, reach: Numbers, first: int, card: int) -> None:
    """Add `card` to the sums: bit j of a mask stands for seat `first + j`."""
    # Masks descend, so that every mask reads the sums of smaller masks before this card.
    for mask in range(len(sums) - 1, 0, -1):
        for j in range(len(reach) - first):
            if mask >> j & 1:
                sums[mask] += sums[mask ^ (1 << j)] * reach[first + j, card]


@inner_kernel
def _weight_without(sums: Numbers, reach: Numbers, card: int, rest: Numbers) -> float:
    """Return the weight of the deals in which no seat holds `card`, by undoing `_add_card`."""
    # Masks ascend here: each needs the smaller masks with this card already removed.
    for mask in range(len(sums)):
        # Undoing one card takes a pass over the masks; summing anew without it would
        # take all other cards again.
        rest[mask] = sums[mask]
        for j in range(len(reach)):
            if mask >> j & 1:
                rest[mask] -= rest[mask ^ (1 << j)] * reach[j, card]
    return rest[-1]


@inner_kernel
def _reach_bids(policy: BidPolicy, node: int, reach: Numbers) -> None:
    """Write `[earlier seats, cards]`: the probability of the seat's bid on the path to `node`."""
    seats = len(reach)
    for seat in range(seats):
        # In binary, node + 1 is a 1 followed by the bids so far. Its prefixes
        # are the nodes on the path.
        before = ((node + 1) >> (seats - seat)) - 1
        bid = (node + 1) >> (seats - seat - 1) & 1
        for card in range(policy.shape[1]):
            reach[seat, card] = policy[before, card] if bid == 1 else 1.0 - policy[before, card]


@kernel
def _weigh_wins(
    suits: Cards, strength: Cards, order: Cards, reach: Numbers, later: int, wins: Numbers
) -> None:
    """Write, per card of the bidding seat, the weight of the deals in which it takes the trick.

    For each lead, cards are added from the weakest up. So when a card's turn comes, the sums hold
    exactly the cards that it beats.
    """
    seat = len(reach)
    # The leader has no bit: its card is the lead. So there is one seat less to give cards to.
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
                # Later seats must hold weaker cards too: those that the earlier seats,
                # except the leader, have left.
                left = _ways(weaker - (seat - 1), later)
                wins[card] += reach[0, lead] * sums[-1] * left
            _add_card(sums, reach, 1, card)
            weaker += 1


@inner_kernel
def _weigh_leads(suits: Cards, strength: Cards, players: int, wins: Numbers) -> None:
    """Write the weights of `_weigh_wins` for the leader, who has no earlier bids to weigh."""
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
