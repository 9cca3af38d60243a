"""Draw the rounds and games of a block and deal their cards, from a derived random stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from blobmaster.config.rounds import RoundMix
from blobmaster.config.self_play import STYLE_NAMES, SelfPlaySettings
from blobmaster.game.cards import CARDS, MAX_PLAYERS, NO_TRUMP
from blobmaster.game.opponents import (
    BY_NETWORK,
    FIRST_VARIED,
    KINDS,
    KNOWN,
    RANDOM,
    pack_opponents,
)
from blobmaster.game.schedule import game_rounds


@dataclass(frozen=True, eq=False)
class Deals:
    """Rounds that are dealt and not yet played."""

    plan: npt.NDArray[np.int64]
    """`[rounds, 4]`: players, cards, trump, dealer."""
    deck: npt.NDArray[np.int64]
    """`[rounds, 52]`: a permutation; seat s holds `deck[s * cards : (s + 1) * cards]`."""
    streams: npt.NDArray[np.uint64]
    """`[rounds, 1]`: state of the random stream of each round's decisions."""
    opponents: npt.NDArray[np.int64]
    """`[rounds]`: the state's `OPPONENTS`: the opponents' seats, and the kind of each."""
    greedy: npt.NDArray[np.bool_]
    """`[rounds]`: True in rounds whose every choice is the most probable action."""
    lengths: npt.NDArray[np.int64] | None = None
    """`[games]`: rounds of each game, which stand in a row; None if rounds belong to no game."""
    counts_last: bool = False
    """Each game is a series of single rounds of which only the last counts. In the others, the
    players learn how each of them plays."""

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def games(self) -> int:
        """The number of games; a round outside games counts as one."""
        return len(self) if self.lengths is None else len(self.lengths)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """`[games + 1]`: the first round of each game, then the number of rounds."""
        if self.lengths is None:
            return np.arange(len(self) + 1)
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """`[rounds, 2]`: the fields `LONGEST` and `ROUNDS_LEFT` of each round's state."""
        if self.lengths is None or self.counts_last:
            return np.zeros((len(self), 2), np.int64)
        starts = self.starts
        most = np.repeat(self.plan[starts[:-1], 1], self.lengths)
        left = np.repeat(starts[1:], self.lengths) - 1 - np.arange(len(self))
        return np.stack([most, left], axis=1)


def deal(mix: RoundMix, rounds: int, generator: np.random.Generator) -> Deals:
    """Deal rounds of the mix, with uniform trump, dealer and cards."""
    sizes, shares = round_shares(mix)
    # The order of these draws is part of what a seed means: a draw more or less
    # would change every deal.
    chosen = generator.choice(len(sizes), size=rounds, p=shares)
    plan = np.empty((rounds, 4), np.int64)
    plan[:, :2] = sizes[chosen]
    plan[:, 2] = generator.integers(0, NO_TRUMP + 1, rounds)
    plan[:, 3] = generator.integers(0, plan[:, 0])
    return _dealt(plan, generator)


def deal_after(mix: RoundMix, earlier: int, rounds: int, generator: np.random.Generator) -> Deals:
    """Deal rounds as `deal` does, and before each of them others that do not count.

    Args:
        mix: of one number of players, so that they stay the same.
        earlier: rounds before each round that counts.
        rounds: rounds that count; they are those of `deal` with the same generator.
        generator: see `deal`.
    """
    counted = deal(mix, rounds, generator)
    before = deal(mix, rounds * earlier, generator)
    # All earlier rounds were dealt after all rounds that count: here each gets its own.
    own = np.arange(len(before)).reshape(rounds, earlier)
    order = np.column_stack([own, len(before) + np.arange(rounds)]).ravel()
    return Deals(
        plan=np.concatenate([before.plan, counted.plan])[order],
        deck=np.concatenate([before.deck, counted.deck])[order],
        streams=np.concatenate([before.streams, counted.streams])[order],
        opponents=np.concatenate([before.opponents, counted.opponents])[order],
        greedy=np.concatenate([before.greedy, counted.greedy])[order],
        lengths=np.full(rounds, earlier + 1),
        counts_last=True,
    )


def deal_games(mix: RoundMix, games: int, generator: np.random.Generator) -> Deals:
    """Deal all rounds of games of the mix, with uniform first dealer and cards."""
    sizes = game_sizes(mix, games, generator)
    dealers = generator.integers(0, sizes[:, 0])
    plans = [
        [
            (players, plan.cards, plan.trump, plan.dealer)
            for plan in game_rounds(players, most, dealer)
        ]
        for (players, most), dealer in zip(sizes.tolist(), dealers.tolist(), strict=True)
    ]
    plan = np.array([row for rows in plans for row in rows], np.int64)
    return replace(_dealt(plan, generator), lengths=np.array([len(rows) for rows in plans]))


def game_sizes(mix: RoundMix, games: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw the sizes of games: players and most cards, `[games, 2]`.

    `deal_games` draws the sizes first, so the same generator state gives the sizes of its games.
    """
    shares = {
        (players, most): player_share * most_share
        for players, player_share in sorted(mix.players.items())
        for most, most_share in sorted(mix.most_cards[players].items())
    }
    # The mix was read in sorted order: the order of keys in a TOML file must not change the deals.
    weights = np.array(list(shares.values()))
    chosen = generator.choice(len(shares), size=games, p=weights / weights.sum())
    return np.array(list(shares), np.int64)[chosen]


def _dealt(plan: npt.NDArray[np.int64], generator: np.random.Generator) -> Deals:
    """Shuffle a deck and draw a stream for every round of the plan."""
    # `permuted` shuffles each row on its own; `shuffle` and `permutation` would
    # give all rows one order.
    deck = generator.permuted(np.tile(np.arange(CARDS), (len(plan), 1)), axis=1)
    streams = generator.integers(0, 2**64, (len(plan), 1), dtype=np.uint64)
    rounds = len(plan)
    return Deals(plan, deck, streams, np.zeros(rounds, np.int64), np.zeros(rounds, np.bool_))


def assign_players(
    deals: Deals, settings: SelfPlaySettings, generator: np.random.Generator
) -> Deals:
    """Return the deals with opponents in some games, and some of the others greedy.

    At least one seat of each game is not an opponent's. A game is never both: one number per game
    decides, opponents from below and greedy from above.
    """
    starts = deals.starts
    games = len(starts) - 1
    players = deals.plan[starts[:-1], 0]
    drawn = generator.random(games)
    has_opponents = drawn < settings.opponent_rounds
    greedy = drawn >= 1.0 - settings.greedy_rounds
    seats = np.arange(MAX_PLAYERS)
    is_seated = generator.random((games, MAX_PLAYERS)) < settings.opponent_seats
    is_seated &= has_opponents[:, None] & (seats < players[:, None])
    is_seated[np.arange(games), generator.integers(0, players)] = False
    # Everything is drawn for all games, also where it is not used, so that the setting of one share
    # does not move the draws of another. What was added later is drawn last, so that without it the
    # deals are those of a run before it existed.
    kinds, alike = _draw_kinds(games, settings, generator)
    known = generator.random(games) < settings.opponents_known
    varied = generator.integers(FIRST_VARIED, KINDS, kinds.shape)
    varied = np.where(alike[:, None], varied[:, :1], varied)
    opponents = pack_opponents(is_seated, np.where(kinds == FIRST_VARIED, varied, kinds))
    opponents |= np.where(known, KNOWN, 0)
    lengths = np.diff(starts)
    return replace(
        deals, opponents=np.repeat(opponents, lengths), greedy=np.repeat(greedy, lengths)
    )


def _draw_kinds(
    games: int, settings: SelfPlaySettings, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Draw the kind of opponent for every seat of the games.

    Returns:
        `[games, MAX_PLAYERS]`, where `FIRST_VARIED` stands for any varied style, and `[games]`:
        True where all opponents with a style have the same one.
    """
    # The mix is read in the order of the kinds: the order of keys in a TOML file must not matter.
    weights = np.array([settings.opponent_mix.get(name, 0.0) for name in STYLE_NAMES])
    size = (games, MAX_PLAYERS)
    styles = BY_NETWORK + generator.choice(len(weights), size=size, p=weights / weights.sum())
    # In some games all styles are the first seat's: a table of underbidders alone would hardly ever
    # be drawn seat by seat.
    alike = generator.random(games) < settings.opponents_alike
    styles = np.where(alike[:, None], styles[:, :1], styles)
    return np.where(generator.random(size) < settings.opponent_styles, styles, RANDOM), alike


def round_shares(mix: RoundMix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the (players, cards) pairs of a mix, `[pairs, 2]`, and each pair's share of rounds.

    The round sizes of a game are weighted by the most decisions that a round has: a bid and all
    cards of each player, `players × (cards + 1)`.
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
