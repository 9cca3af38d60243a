"""Sample worlds: deals of the hidden cards, uniform over all that are possible for an observer.

A void is a suit that a seat is known not to hold. Seats with the same voids form a group: a pool of
cards is drawn for the group and then shuffled among its seats. Groups with voids are dealt one
after another. For each group, the number of cards per suit is drawn first, each split with a
probability proportional to the number of deals that it leaves for this and the later groups: the
table `ways` holds those counts. Seats without voids and the undealt cards take the rest. So every
possible deal is equally likely, no draw fails, and none is rejected.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import CARDS, MAX_PLAYERS, RANKS, SUITS
from blobmaster.game.rules import HANDS, OPPONENTS, PLAYERS, VOIDS, State
from blobmaster.kernels.arrays import copy_row
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount
from blobmaster.kernels.rng import Stream, below, uniform
from blobmaster.search.belief import cards_of_suits, hand_size, hidden_cards

VOID_SETS = 1 << SUITS
MAX_GROUPS = MAX_PLAYERS - 1

# Groups with the most voids, and so the fewest possible splits, go first: fewer entries of `ways`.
_DEALING_ORDER = np.array(
    sorted(range(1, VOID_SETS), key=lambda voids: (-voids.bit_count(), voids)), dtype=np.int64
)


def _pascal() -> npt.NDArray[np.float64]:
    """Return the binomial coefficients up to 52, `[n, k]`."""
    table = np.zeros((CARDS + 1, CARDS + 1))
    table[:, 0] = 1
    for n in range(1, CARDS + 1):
        table[n, 1:] = table[n - 1, 1:] + table[n - 1, :-1]
    return table


_CHOOSE = _pascal()
"""`[n, k]`: the number of ways to choose k of n cards; all below 2**53, so exact in a float64."""


class WorldTable(NamedTuple):
    """Counts from which one decision's worlds are drawn; reused for one decision after another."""

    groups: npt.NDArray[np.int64]
    """`[1]`: number of groups with voids."""
    voids: npt.NDArray[np.int64]
    """`[MAX_GROUPS]`: each group's voids, in dealing order."""
    sizes: npt.NDArray[np.int64]
    """`[VOID_SETS]`: cards that the seats with these voids hold together."""
    ways: npt.NDArray[np.float64]
    """`[MAX_GROUPS - 1, 14, 14, 14]`: number of deals of a group and all later ones, by the cards
    left in suits 0 to 2 (suit 3 follows from the total). The last group needs no entry: a binomial
    coefficient counts its deals."""
    pools: npt.NDArray[np.int64]
    """`[VOID_SETS]`: scratch, cards of the seats with these voids that no seat has yet."""
    most: npt.NDArray[np.int64]
    """`[SUITS]`: scratch, the most cards of each suit that may be left for a group."""
    fewest: npt.NDArray[np.int64]
    """`[SUITS]`: scratch, the fewest cards of each suit."""
    left: npt.NDArray[np.int64]
    """`[SUITS]`: scratch, hidden cards left of each suit."""
    taken: npt.NDArray[np.int64]
    """`[SUITS]`: scratch, the cards of each suit that a group takes."""
    cards: npt.NDArray[np.int64]
    """`[CARDS]`: scratch, the cards of a mask as numbers."""


def new_table() -> WorldTable:
    """Allocate for `prepare_worlds` and `sample_world`; one per thread."""
    side = RANKS + 1
    return WorldTable(
        groups=np.zeros(1, np.int64),
        voids=np.zeros(MAX_GROUPS, np.int64),
        sizes=np.zeros(VOID_SETS, np.int64),
        ways=np.zeros((MAX_GROUPS - 1, side, side, side)),
        pools=np.zeros(VOID_SETS, np.int64),
        most=np.zeros(SUITS, np.int64),
        fewest=np.zeros(SUITS, np.int64),
        left=np.zeros(SUITS, np.int64),
        taken=np.zeros(SUITS, np.int64),
        cards=np.zeros(CARDS, np.int64),
    )


@kernel
def prepare_worlds(state: State, observer: int, table: WorldTable) -> None:
    """Count the deals that are possible for `observer` into `table`.

    Args:
        state: `[STATE]`, reached by legal play; other seats' hands are not read.
        observer: the seat whose knowledge counts.
        table: from `new_table`; overwritten.
    """
    _gather_groups(state, observer, table)
    hidden = hidden_cards(state, observer)
    # Backwards: the entries of a group sum over those of the group after it.
    for group in range(table.groups[0] - 2, -1, -1):
        _count_ways(table, group, hidden)


@kernel
def sample_world(
    state: State, observer: int, table: WorldTable, stream: Stream, world: State
) -> None:
    """Write into `world` a copy of `state` with the other seats' hands drawn anew.

    Which seats are opponents of self-play is hidden too: in a world no seat is one.

    Args:
        state, observer, table: as in the call of `prepare_worlds` before.
        stream: the same stream gives the same hands, whatever the true hands are.
        world: `[STATE]`, overwritten.
    """
    copy_row(state, world)
    world[OPPONENTS] = 0
    hidden = hidden_cards(state, observer)
    _draw_pools(table, hidden, stream)
    for seat in range(state[PLAYERS]):
        if seat != observer:
            voids = state[VOIDS + seat]
            # A seat without cards may belong to no group and find an old pool here,
            # from which it draws 0 cards.
            hand = _draw(table, table.pools[voids], hand_size(state, seat), stream)
            table.pools[voids] &= ~hand
            world[HANDS + seat] = hand


@inner_kernel
def _gather_groups(state: State, observer: int, table: WorldTable) -> None:
    """Group the seats with the same voids, in dealing order."""
    table.sizes[:] = 0
    for seat in range(state[PLAYERS]):
        if seat != observer:
            table.sizes[state[VOIDS + seat]] += hand_size(state, seat)
    groups = 0
    # Seats without voids (0) are no group: they take whatever is left.
    for voids in _DEALING_ORDER:
        if table.sizes[voids] > 0:
            table.voids[groups] = voids
            groups += 1
    table.groups[0] = groups


@inner_kernel
def _count_ways(table: WorldTable, group: int, hidden: int) -> None:
    """Fill `ways` for all numbers of cards per suit that the groups before `group` may leave."""
    most, fewest, left = table.most, table.fewest, table.left
    _count_suits(hidden, most)
    copy_row(most, fewest)
    total = popcount(hidden)
    # An earlier group can take any number of cards of a suit from 0 to its size, 0 if it is void.
    for earlier in range(group):
        voids = table.voids[earlier]
        total -= table.sizes[voids]
        for suit in range(SUITS):
            if (voids >> suit) & 1 == 0:
                fewest[suit] = max(fewest[suit] - table.sizes[voids], 0)
    # Only counts that can occur are filled in: all 14 × 14 × 14 of each group would be far too many
    # for each decision, which is prepared in 0.5 to 4 µs on average (docs/measurements.md).
    for left[0] in range(fewest[0], most[0] + 1):
        for left[1] in range(fewest[1], most[1] + 1):
            for left[2] in range(fewest[2], most[2] + 1):
                left[3] = total - left[0] - left[1] - left[2]
                if fewest[3] <= left[3] <= most[3]:
                    ways = _walk_splits(table, group, np.inf)
                    table.ways[group, left[0], left[1], left[2]] = ways


@inner_kernel
def _walk_splits(table: WorldTable, group: int, target: float) -> float:
    """Add up the deals of `group` and all later ones from `left`, over the group's splits.

    Return early, with the split in `taken`, when the sum passes `target`: with a target drawn
    uniformly below the full sum, this draws a split. The order of adding never depends on the
    target, so rounding cannot keep the sum from passing a target below the full sum.
    """
    voids, left, taken = table.voids[group], table.left, table.taken
    size = table.sizes[voids]
    most_0 = 0 if voids & 1 else left[0]
    most_1 = 0 if voids & 2 else left[1]
    most_2 = 0 if voids & 4 else left[2]
    most_3 = 0 if voids & 8 else left[3]
    ways = 0.0
    # a, b, c, d cards of suits 0 to 3. Each loop starts at what the suits after it cannot supply,
    # so every pass is a possible split and the sum of the four is always `size`.
    for a in range(max(size - most_1 - most_2 - most_3, 0), min(most_0, size) + 1):
        for b in range(max(size - a - most_2 - most_3, 0), min(most_1, size - a) + 1):
            ways_ab = _CHOOSE[left[0], a] * _CHOOSE[left[1], b]
            for c in range(max(size - a - b - most_3, 0), min(most_2, size - a - b) + 1):
                d = size - a - b - c
                ways_cd = _CHOOSE[left[2], c] * _CHOOSE[left[3], d]
                ways += ways_ab * ways_cd * _ways_after(table, group, a, b, c, d)
                if ways > target:
                    taken[0], taken[1], taken[2], taken[3] = a, b, c, d
                    return ways
    return ways


@inner_kernel
def _ways_after(table: WorldTable, group: int, a: int, b: int, c: int, d: int) -> float:
    """Return the number of deals of the groups after `group`, when it takes a, b, c, d cards."""
    left = table.left
    if group + 2 < table.groups[0]:
        return table.ways[group + 1, left[0] - a, left[1] - b, left[2] - c]
    # The group after is the last one: it takes any of the cards left in suits where it is not void.
    # The number of ways to deal the rest to seats without voids is a constant factor, left out.
    voids = table.voids[group + 1]
    open_cards = 0
    if voids & 1 == 0:
        open_cards += left[0] - a
    if voids & 2 == 0:
        open_cards += left[1] - b
    if voids & 4 == 0:
        open_cards += left[2] - c
    if voids & 8 == 0:
        open_cards += left[3] - d
    return _CHOOSE[open_cards, table.sizes[voids]]


@inner_kernel
def _draw_pools(table: WorldTable, hidden: int, stream: Stream) -> None:
    """Deal the hidden cards to the groups; the rest goes to the pool of seats without voids."""
    last = table.groups[0] - 1
    for group in range(last + 1):
        voids = table.voids[group]
        # The last group needs no split first: every set of its open cards leaves the later seats
        # the same number of deals.
        if group < last:
            pool = _draw_split(table, group, hidden, stream)
        else:
            pool = _draw(table, hidden & ~cards_of_suits(voids), table.sizes[voids], stream)
        table.pools[voids] = pool
        hidden &= ~pool
    table.pools[0] = hidden


@inner_kernel
def _draw_split(table: WorldTable, group: int, hidden: int, stream: Stream) -> int:
    """Draw the cards of a group that is not the last: first the number per suit, then which."""
    left = table.left
    _count_suits(hidden, left)
    ways = table.ways[group, left[0], left[1], left[2]]
    # The target is below `ways` even after rounding, as in `below`, so the
    # walk always ends at a split.
    _walk_splits(table, group, uniform(stream) * ways)
    pool = 0
    for suit in range(SUITS):
        pool |= _draw(table, hidden & cards_of_suits(1 << suit), table.taken[suit], stream)
    return pool


@kernel
def _draw(table: WorldTable, mask: int, count: int, stream: Stream) -> int:
    """Draw `count` of the cards of `mask` uniformly, by a partial Fisher-Yates shuffle."""
    cards = table.cards
    size = 0
    while mask != 0:
        cards[size] = lowest_bit(mask)
        mask &= mask - 1
        size += 1
    drawn = 0
    for i in range(count):
        other = i + below(stream, size - i)
        # The rest of the shuffle is never needed, so the drawn card is not swapped in.
        drawn |= 1 << cards[other]
        cards[other] = cards[i]
    return drawn


@inner_kernel
def _count_suits(cards: int, counts: npt.NDArray[np.int64]) -> None:
    """Write the number of cards of each suit into `counts` (`[SUITS]`)."""
    for suit in range(SUITS):
        counts[suit] = popcount(cards & cards_of_suits(1 << suit))
