"""Symmetries: permutes suits and rotates seats of a state."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from blobmaster.game.cards import MAX_PLAYERS, NO_TRUMP
from blobmaster.game.rules import (
    BEST,
    BIDS,
    DEALER,
    HANDS,
    LEADER,
    PLAYERS,
    SEAT,
    SEEN,
    TABLE,
    TRICKS,
    TRUMP,
    VOIDS,
    WINNER,
)

SUIT_ORDERS = list(permutations(range(4)))
"""Permutations of the suits: suit s becomes suit `order[s]`."""


def _renamed_card(card: int, order: tuple[int, ...]) -> int:
    return card if card < 0 else 13 * order[card // 13] + card % 13


def _renamed_mask(mask: int, order: tuple[int, ...], width: int) -> int:
    """Return `mask` with the `width` bits of each suit moved to its new place."""
    part = (1 << width) - 1
    return sum((int(mask) >> width * s & part) << width * order[s] for s in range(4))


def rename_suits(state: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Return the state with suit s renamed to `order[s]`, trump included."""
    renamed = state.copy()
    if state[TRUMP] != NO_TRUMP:
        renamed[TRUMP] = order[state[TRUMP]]
    renamed[BEST] = _renamed_card(state[BEST], order)
    renamed[SEEN] = _renamed_mask(state[SEEN], order, 13)
    for seat in range(MAX_PLAYERS):
        renamed[HANDS + seat] = _renamed_mask(state[HANDS + seat], order, 13)
        renamed[VOIDS + seat] = _renamed_mask(state[VOIDS + seat], order, 1)
        renamed[TABLE + seat] = _renamed_card(state[TABLE + seat], order)
    return renamed


def rotate_seats(state: np.ndarray, places: int) -> np.ndarray:
    """Return the state with every player moved on by `places` seats."""
    players = state[PLAYERS]
    rotated = state.copy()
    for field in (DEALER, SEAT, LEADER, WINNER):
        rotated[field] = (state[field] + places) % players
    for block in (HANDS, BIDS, TRICKS, TABLE, VOIDS):
        rotated[block : block + players] = np.roll(state[block : block + players], places)
    return rotated


def knowledge_of(state: np.ndarray, suit: int) -> tuple:
    """Return what the acting seat knows of a suit; suits that agree are interchangeable."""
    me, players = state[SEAT], state[PLAYERS]
    table = state[TABLE : TABLE + players].tolist()
    return (
        int(state[HANDS + me]) >> 13 * suit & 0x1FFF,
        int(state[SEEN]) >> 13 * suit & 0x1FFF,
        tuple(int(v) >> suit & 1 for v in state[VOIDS : VOIDS + players]),
        tuple(card if card // 13 == suit else -1 for card in table),
        table[state[LEADER]] // 13 == suit,
        suit == state[TRUMP],
    )
