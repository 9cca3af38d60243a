"""Records of rounds: the deal, the actions, and the policy target of every real choice.

Self-play returns records and the replay buffer keeps them: a few bytes per decision. Observations
are encoded again from a record when they are needed. The bytes of a round, one per entry:

    players, cards, trump, dealer, opponents' seats | hands, seat by seat | actions | policies

`GREEDY` (64) is added to the players of a greedy round, `IN_GAME` (128) to those of a round of a
game. For the latter a game header follows the opponents' seats, with two bytes per score, high byte
first:

    cards in the longest rounds, rounds left, winners (a mask of seats) | scores before the round

`TABLE_KNOWN` (32) is added to the players if they know who holds the seats.
`STYLED` (16) is added to the players if an opponent of the round does not play at random. Then the
kinds of all opponents (`game.opponents`) stand before the hands, six bits a seat, the lowest seat
and the lowest byte first, and `WIDE_KINDS` (32) is added to the cards. Without it, as in records of
older runs, they have four bits a seat.

A real choice is one with more than one legal action. Its policy has one byte per legal action, in
`legal_actions` order: the probability times 255. All are 0 if there is nothing to learn from the
choice: it was an opponent's, or it was made by a cheap search.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS, MIN_PLAYERS
from blobmaster.game.opponents import KIND_BITS, KNOWN
from blobmaster.game.rules import (
    DEALT,
    LONGEST,
    MAX_LEGAL,
    OPPONENTS,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    State,
    apply,
    deal_into,
    is_over,
    legal_count,
)
from blobmaster.kernels.compile import inner_kernel, kernel

HEADER = 5
STYLED = 16
"""Added to the players of a round with an opponent that does not play at random."""

WIDE_KINDS = 32
"""Added to the cards of a round whose kinds of opponents have `KIND_BITS` bits, not four."""

TABLE_KNOWN = 32
"""Added to the players of a round in which they know who holds the seats."""

GREEDY = 64
"""Added to the players of a greedy round, one in which each choice was the most likely action."""

IN_GAME = 128
"""Added to the players of a round that belongs to a game."""

_OLD_KIND_BITS = 4

GAME_HEADER = 3
_WINNERS = HEADER + 2
FULL_SHARE = 255
"""The byte for a probability of 1."""

# Bytes grow with the square of the cards per seat, so the fewest players need the most.
MAX_POLICY_BYTES = MIN_PLAYERS * (MAX_LEGAL + MAX_CARDS * (MAX_CARDS + 1) // 2)
"""The most bytes of a round's policies: three players, 17 cards, each action a real choice."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Rounds:
    """Packed rounds, oldest first."""

    data: Bytes
    """All rounds' bytes, one after another."""
    starts: npt.NDArray[np.int64]
    """`[rounds + 1]`: where each round begins in `data`; last, its length."""
    decisions: npt.NDArray[np.int64]
    """`[rounds]`: the number of real choices of each round."""

    def __len__(self) -> int:
        return len(self.decisions)

    @property
    def decision_count(self) -> int:
        """The number of real choices of all rounds."""
        return int(self.decisions.sum())

    def __iter__(self) -> Iterator[Bytes]:
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.data[start:end]

    def newest(self, rounds: int) -> Rounds:
        """Return the last `rounds` of these rounds, or all if there are fewer."""
        first = max(len(self) - rounds, 0)
        offset = self.starts[first]
        # Copied: a view would keep the bytes of all the older rounds in memory.
        return Rounds(
            self.data[offset:].copy(),
            self.starts[first:] - offset,
            self.decisions[first:].copy(),
        )

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the arrays by name."""
        return {"data": self.data, "starts": self.starts, "decisions": self.decisions}

    def to_bytes(self) -> bytes:
        """Return the content of a file of these rounds, in numpy's npz format."""
        file = io.BytesIO()
        np.savez(file, data=self.data, starts=self.starts, decisions=self.decisions)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Rounds:
        """Return the rounds of `to_bytes`. Damage is not detected here, but by the store."""
        # A file with pickled objects could run code when it is read.
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return cls(arrays["data"], arrays["starts"], arrays["decisions"])


def no_rounds() -> Rounds:
    """Return an empty `Rounds`."""
    return Rounds(np.zeros(0, np.uint8), np.zeros(1, np.int64), np.zeros(0, np.int64))


def join(parts: Iterable[Rounds]) -> Rounds:
    """Return the rounds of all parts, in order."""
    # The empty part lets numpy join an empty list, too, and fixes the types.
    kept = [no_rounds(), *parts]
    lengths = np.concatenate([np.diff(part.starts) for part in kept])
    return Rounds(
        np.concatenate([part.data for part in kept]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        np.concatenate([part.decisions for part in kept]),
    )


@inner_kernel
def open_record(record: npt.NDArray[np.int64], state: State) -> int:
    """Deal a record's round into `state`; return the offset of its first action."""
    # All flags are multiples of 16, and there are never so many players.
    players, cards = record[0] % STYLED, record[1] % WIDE_KINDS
    in_game = record[0] >= IN_GAME
    kinds = HEADER + (GAME_HEADER + 2 * players if in_game else 0)
    bits = 0
    if record[0] & STYLED:
        bits = KIND_BITS if record[1] & WIDE_KINDS else _OLD_KIND_BITS
    hands = kinds + bits * MAX_PLAYERS // 8
    # `deal_into` reads only the hands from the slice, which goes on to the record's end.
    deal_into(state, players, cards, record[2], record[3], record[hands:])
    state[OPPONENTS] = record[4]
    if record[0] & TABLE_KNOWN:
        state[OPPONENTS] |= KNOWN
    if bits > 0:
        packed = 0
        for byte in range(hands - kinds):
            packed |= record[kinds + byte] << (8 * byte)
        for seat in range(MAX_PLAYERS):
            kind = packed >> (bits * seat) & ((1 << bits) - 1)
            state[OPPONENTS] |= kind << (MAX_PLAYERS + KIND_BITS * seat)
    if in_game:
        state[LONGEST] = record[HEADER]
        state[ROUNDS_LEFT] = record[HEADER + 1]
        for seat in range(players):
            score = HEADER + GAME_HEADER + 2 * seat
            state[SCORES + seat] = 256 * record[score] + record[score + 1]
    return hands + players * cards


def game_header(most: int, left: int, winners: int, scores: npt.NDArray[np.int64]) -> Bytes:
    """Return the game header of a round's record.

    Args:
        most, left: the state's `LONGEST` and `ROUNDS_LEFT`.
        winners: the mask of seats that shared the win of the game.
        scores: `[players]`, before the round.
    """
    place = np.array([most, left, winners], np.uint8)
    # Two bytes, high byte first on every machine: a game's scores exceed 255.
    return np.concatenate([place, scores.astype(">u2").view(np.uint8)])


@kernel
def is_greedy(record: npt.NDArray[np.int64]) -> bool:
    """Return True if the record's round was a greedy round."""
    return bool(record[0] & GREEDY)


@kernel
def winners_of(record: npt.NDArray[np.int64]) -> int:
    """Return the mask of seats that won the game to which the record's round belongs."""
    return record[_WINNERS]


@kernel
def replay_to(record: npt.NDArray[np.int64], decision: int, state: State) -> int:
    """Bring `state` to the record's real choice number `decision` (0-based).

    The record is int64, converted from bytes: numba would compile all rules again for uint8, in
    which numbers also wrap around at 256.

    Returns:
        The offset of the choice's policy in the record.

    Raises:
        IndexError: the round ends before that choice.
    """
    action = open_record(record, state)
    # Every seat bids once and plays all of its cards, so the actions' length is known beforehand.
    policy = action + state[PLAYERS] * (1 + state[DEALT])
    left = decision
    while not is_over(state):
        # Forced actions have no policy, so the rules tell which actions do. That costs a replay,
        # and saves a list of offsets in every record.
        count = legal_count(state)
        if count > 1:
            if left == 0:
                return policy
            left -= 1
            policy += count
        apply(state, record[action])
        action += 1
    raise IndexError("the record has fewer real choices")


@kernel
def replay_out(record: npt.NDArray[np.int64], state: State) -> None:
    """Bring `state` to the end of the record's round."""
    action = open_record(record, state)
    while not is_over(state):
        apply(state, record[action])
        action += 1
