"""Who plays at each seat in self-play: the network that learns, or an opponent of some kind.

A state's `OPPONENTS` holds a mask of the opponents' seats in its lowest 8 bits, above them 6 bits
per seat: the kind of the opponent there, 0 where there is none; and above those one bit that says
whether the players know all this.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import OPPONENTS, SEAT, State
from blobmaster.game.styles import TRAINING_STYLES, VARIED_STYLES
from blobmaster.kernels.compile import inner_kernel

RANDOM = 0
"""The kind that plays uniformly."""

BY_NETWORK = 1
"""The kind that acts by a network: the one that learns, with noise, or one that is frozen."""

FIRST_STYLE = 2
"""The kind that plays by the first training style; the next kinds play by the next styles."""

FIRST_VARIED = FIRST_STYLE + len(TRAINING_STYLES)
"""The kind that plays by the first varied style. The kinds before it have inputs of their own."""

KINDS = FIRST_VARIED + len(VARIED_STYLES)
"""The number of kinds. They are part of records: append new ones."""

KIND_BITS = 6
KIND_BYTES = MAX_PLAYERS * KIND_BITS // 8
"""The bytes of the kinds of all seats."""

KNOWN = 1 << (MAX_PLAYERS + KIND_BITS * MAX_PLAYERS)
"""The bit of `OPPONENTS` that says that the players know who holds the seats."""

NO_OPPONENTS = 0
"""The value of `OPPONENTS` where the network holds every seat."""

_MASK = (1 << MAX_PLAYERS) - 1
_KIND = (1 << KIND_BITS) - 1


@inner_kernel
def is_opponent(state: State, seat: int) -> bool:
    """Return True if an opponent holds the seat."""
    return (state[OPPONENTS] >> seat) & 1 != 0


@inner_kernel
def kind_at(state: State, seat: int) -> int:
    """Return the kind of the opponent at the seat."""
    return (state[OPPONENTS] >> (MAX_PLAYERS + KIND_BITS * seat)) & _KIND


@inner_kernel
def style_of(kind: int) -> int:
    """Return the style of a kind from `FIRST_STYLE` on, as an index of `STYLES`."""
    return 1 + kind - FIRST_STYLE  # style 0 is the heuristic player, which is no kind of opponent


@inner_kernel
def are_known(state: State) -> bool:
    """Return True if the players know who holds the seats."""
    return state[OPPONENTS] & KNOWN != 0


@inner_kernel
def with_opponent(opponents: int, seat: int, kind: int) -> int:
    """Return the value of `OPPONENTS` with an opponent at a seat that had none."""
    return opponents | 1 << seat | kind << (MAX_PLAYERS + KIND_BITS * seat)


def pack_opponents(
    is_seated: npt.NDArray[np.bool_], kinds: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the values of `OPPONENTS`, `[rows]`.

    Args:
        is_seated: `[rows, MAX_PLAYERS]`: True where an opponent holds the seat.
        kinds: `[rows, MAX_PLAYERS]`: the kind of the opponent at a seat; ignored elsewhere.
    """
    seats = np.arange(MAX_PLAYERS)
    kinds_at = np.where(is_seated, kinds, 0) << (MAX_PLAYERS + KIND_BITS * seats)
    packed: npt.NDArray[np.int64] = ((is_seated << seats) + kinds_at).sum(axis=1)
    return packed


def is_network_opponents_turn(states: State) -> npt.NDArray[np.bool_]:
    """Return `[rows]`, True where the acting seat is of the kind `BY_NETWORK`."""
    seats, opponents = states[:, SEAT], states[:, OPPONENTS]
    kinds = opponents >> (MAX_PLAYERS + KIND_BITS * seats) & _KIND
    return ((opponents >> seats) & 1 != 0) & (kinds == BY_NETWORK)


def seat_mask(opponents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the masks of the opponents' seats."""
    return opponents & _MASK


def kinds_of(opponents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the kinds of all seats, as one number per state."""
    return (opponents & (KNOWN - 1)) >> MAX_PLAYERS
