"""Which rounds are played, and with which cards: dealt from a derived random stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS, NO_TRUMP
from blobmaster.play.settings import RoundMix, SelfPlaySettings


@dataclass(frozen=True, eq=False)
class Deals:
    """Dealt rounds that wait to be played."""

    plan: npt.NDArray[np.int64]
    """`[rounds, 4]`: players, cards, trump, dealer."""
    deck: npt.NDArray[np.int64]
    """`[rounds, 52]`: seat s gets `deck[s * cards : (s + 1) * cards]`."""
    streams: npt.NDArray[np.uint64]
    """`[rounds, 1]`: the random stream of each round's decisions."""
    strangers: npt.NDArray[np.int64]
    """`[rounds]`: the mask of seats that play at random."""

    def __len__(self) -> int:
        return len(self.plan)


def deal(mix: RoundMix, rounds: int, generator: np.random.Generator) -> Deals:
    """Deal `rounds` rounds of the mix: trump, dealer and cards are uniform."""
    sizes, shares = round_shares(mix)
    chosen = generator.choice(len(sizes), size=rounds, p=shares)
    plan = np.empty((rounds, 4), np.int64)
    plan[:, :2] = sizes[chosen]
    plan[:, 2] = generator.integers(0, NO_TRUMP + 1, rounds)
    plan[:, 3] = generator.integers(0, plan[:, 0])
    deck = generator.permuted(np.tile(np.arange(CARDS), (rounds, 1)), axis=1)
    streams = generator.integers(0, 2**64, (rounds, 1), dtype=np.uint64)
    return Deals(plan, deck, streams, np.zeros(rounds, np.int64))


def seat_strangers(
    deals: Deals, settings: SelfPlaySettings, generator: np.random.Generator
) -> Deals:
    """The same deals, with seats of some rounds given to random players; one seat is never."""
    players = deals.plan[:, 0]
    met = generator.random(len(deals)) < settings.stranger_rounds
    seats = np.arange(MAX_PLAYERS)
    strange = generator.random((len(deals), MAX_PLAYERS)) < settings.stranger_seats
    strange &= met[:, None] & (seats < players[:, None])
    strange[np.arange(len(deals)), generator.integers(0, players)] = False
    return replace(deals, strangers=(strange << seats).sum(axis=1))


def round_shares(mix: RoundMix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The (players, cards) pairs of a mix, `[pairs, 2]`, and the share of rounds of each.

    Of the sizes of a game, each is drawn in proportion to the decisions that it brings at most:
    a bid and the cards of each player, `players × (cards + 1)`.
    """
    shares: dict[tuple[int, int], float] = {}
    for players, player_share in sorted(mix.players.items()):
        for most, most_share in sorted(mix.most_cards[players].items()):
            sizes = [most] if mix.longest_only else list(range(1, most + 1))
            decisions = np.array([players * (cards + 1) for cards in sizes], float)
            for cards, weight in zip(sizes, decisions / decisions.sum(), strict=True):
                pair = (players, cards)
                shares[pair] = shares.get(pair, 0.0) + player_share * most_share * float(weight)
    weights = np.array(list(shares.values()))
    return np.array(list(shares), np.int64), weights / weights.sum()
