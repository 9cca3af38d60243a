"""The record of rounds that were played: deal, actions, and the policy at every real choice.

A record is what replay keeps and what a block of self-play returns: a few bytes a decision.
Observations are made again from it when they are needed. Rounds are packed one after another:

    players, cards, trump, dealer, strangers | hands, seat by seat | actions | policies

each one byte an entry. To the players of a round that was played in earnest 64 is added. To those
of a round of a game 128 is, and behind the strangers stands its place in the game, each score two
bytes, the larger part first:

    most cards, rounds left, winners of the game (a mask of seats) | scores before it, seat by seat

A policy is written at real choices alone: one byte a legal action, in `legal_actions` order, what
an improved policy gives it in 255ths; all are 0 where there is nothing to learn: a stranger chose,
or a cheap search.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS, MIN_PLAYERS
from blobmaster.game.rules import (
    DEALT,
    LONGEST,
    MAX_LEGAL,
    PLAYERS,
    RANDOM_SEATS,
    ROUNDS_LEFT,
    SCORES,
    State,
    apply,
    deal_into,
    is_over,
    legal_count,
)
from blobmaster.kernels.compile import kernel

HEADER = 5
GREEDY = 64
"""Added to the players of a round in which every choice was the likeliest."""

IN_GAME = 128
"""Added to the players of a round that is one of a game."""

GAME_HEADER = 3
_WINNERS = HEADER + 2
FULL_SHARE = 255
"""The byte of a policy that is certain."""

MAX_POLICY_BYTES = MIN_PLAYERS * (MAX_LEGAL + MAX_CARDS * (MAX_CARDS + 1) // 2)
"""No round's policies are longer: three players, 17 cards, every action a real choice."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Rounds:
    """Packed rounds, oldest first."""

    data: Bytes
    """All rounds' bytes, one after another."""
    starts: npt.NDArray[np.int64]
    """`[rounds + 1]`: where each round begins in `data`; last, its length."""
    decisions: npt.NDArray[np.int64]
    """`[rounds]`: real choices of each round."""

    def __len__(self) -> int:
        return len(self.decisions)

    @property
    def decision_count(self) -> int:
        """Real choices of all rounds together."""
        return int(self.decisions.sum())

    def __iter__(self) -> Iterator[Bytes]:
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.data[start:end]

    def newest(self, rounds: int) -> Rounds:
        """The last `rounds` of these rounds, or all where there are fewer."""
        first = max(len(self) - rounds, 0)
        offset = self.starts[first]
        return Rounds(
            self.data[offset:].copy(),
            self.starts[first:] - offset,
            self.decisions[first:].copy(),
        )

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """The arrays by name."""
        return {"data": self.data, "starts": self.starts, "decisions": self.decisions}

    def to_bytes(self) -> bytes:
        """The rounds as the bytes of a file."""
        file = io.BytesIO()
        np.savez(file, data=self.data, starts=self.starts, decisions=self.decisions)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Rounds:
        """The rounds of `to_bytes`; whoever stores the bytes sees to it that they are whole."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return cls(arrays["data"], arrays["starts"], arrays["decisions"])


def no_rounds() -> Rounds:
    """Nothing played yet."""
    return Rounds(np.zeros(0, np.uint8), np.zeros(1, np.int64), np.zeros(0, np.int64))


def join(parts: Iterable[Rounds]) -> Rounds:
    """The rounds of all parts, in order."""
    kept = [no_rounds(), *parts]
    lengths = np.concatenate([np.diff(part.starts) for part in kept])
    return Rounds(
        np.concatenate([part.data for part in kept]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        np.concatenate([part.decisions for part in kept]),
    )


@kernel
def open_record(record: npt.NDArray[np.int64], state: State) -> int:
    """Deal a record's round into `state`; return the offset of its first action."""
    players, cards = record[0] % GREEDY, record[1]
    in_game = record[0] >= IN_GAME
    hands = HEADER + (GAME_HEADER + 2 * players if in_game else 0)
    deal_into(state, players, cards, record[2], record[3], record[hands:])
    state[RANDOM_SEATS] = record[4]
    if in_game:
        state[LONGEST] = record[HEADER]
        state[ROUNDS_LEFT] = record[HEADER + 1]
        for seat in range(players):
            score = HEADER + GAME_HEADER + 2 * seat
            state[SCORES + seat] = 256 * record[score] + record[score + 1]
    return hands + players * cards


def game_part(most: int, left: int, winners: int, scores: npt.NDArray[np.int64]) -> Bytes:
    """What a record has of a round's place in its game.

    Args:
        most, left: as in a state.
        winners: the mask of seats that shared the win of the game.
        scores: `[players]`, before the round.
    """
    place = np.array([most, left, winners], np.uint8)
    return np.concatenate([place, scores.astype(">u2").view(np.uint8)])


@kernel
def is_greedy(record: npt.NDArray[np.int64]) -> bool:
    """Whether the record's round was played in greedy."""
    return bool(record[0] & GREEDY)


@kernel
def winners_of(record: npt.NDArray[np.int64]) -> int:
    """The mask of seats that won the game that the record's round is one of."""
    return record[_WINNERS]


@kernel
def replay_to(record: npt.NDArray[np.int64], decision: int, state: State) -> int:
    """Bring `state` to the record's real choice number `decision` (0-based).

    Records are read as int64: numba would carry their bytes' type on into the rules.

    Returns:
        The offset of that choice's policy in the record.

    Raises:
        IndexError: the round ends before that choice.
    """
    action = open_record(record, state)
    policy = action + state[PLAYERS] * (1 + state[DEALT])
    left = decision
    while not is_over(state):
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
    """Bring `state` to the record's end."""
    action = open_record(record, state)
    while not is_over(state):
        apply(state, record[action])
        action += 1
