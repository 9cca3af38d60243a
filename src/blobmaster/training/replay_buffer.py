"""The replay window: records of the newest rounds, and the training batches drawn from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from blobmaster.game.cards import MAX_PLAYERS, SUITS
from blobmaster.game.records import (
    Bytes,
    Rounds,
    is_greedy,
    join,
    no_rounds,
    replay_out,
    replay_to,
    winners_of,
)
from blobmaster.game.rules import (
    ACTION_COUNT,
    BIDS,
    LONGEST,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
    State,
    is_bidding,
    legal_actions,
)
from blobmaster.game.standing import win_share
from blobmaster.kernels.arrays import count_at_most, largest
from blobmaster.kernels.compile import compiled_for, inner_kernel, kernel
from blobmaster.model.features import WHOLE_FEATURES, encode_whole
from blobmaster.model.game_features import GAME_WHOLE_FEATURES, encode_game
from blobmaster.model.heads import TRICK_COUNTS, action_output, most_tricks

ABSENT = -1
"""Trick target of a seat that is not in play, and bid of a decision that is not a bid."""


class Batch(NamedTuple):
    """B training examples: decisions with their targets."""

    wholes: npt.NDArray[np.float32]
    """`[B, WHOLE_FEATURES]`, in games `[B, GAME_WHOLE_FEATURES]`: the actor's observation followed
    by all hands, which only the critic sees."""
    policy: npt.NDArray[np.float32]
    """`[B, ACTION_COUNT]`: the improved policy in canonical suits, sharpened by tau. Rows sum to
    one, or to zero where there is no policy target."""
    legal: npt.NDArray[np.bool_]
    """`[B, ACTION_COUNT]`: True for legal actions."""
    tricks: npt.NDArray[np.int64]
    """`[B, MAX_PLAYERS]`: tricks of each relative seat at the end of the round, or `ABSENT`."""
    possible: npt.NDArray[np.bool_]
    """`[B, MAX_PLAYERS, TRICK_COUNTS]`: True for trick counts that were still possible."""
    shares: npt.NDArray[np.float32]
    """`[B, MAX_PLAYERS]`: each relative seat's share of the win of its game; 0 for single
    rounds."""
    bid: npt.NDArray[np.int64]
    """`[B]`: the bid of the acting seat if the decision is a bid, else `ABSENT`."""
    greedy: npt.NDArray[np.bool_]
    """`[B]`: True for decisions of greedy rounds."""


def new_batch(size: int, *, of_games: bool = False, pinned: bool = False) -> Batch:
    """Return an empty batch that `ReplayWindow.read` fills again and again.

    Args:
        size: decisions B.
        of_games: make room for the features of a game's standing.
        pinned: use page-locked memory, from which a GPU copies without blocking the CPU.
    """

    def empty(*shape: int, dtype: torch.dtype = torch.float32) -> npt.NDArray[Any]:
        return torch.zeros(size, *shape, dtype=dtype, pin_memory=pinned).numpy()

    return Batch(
        wholes=empty(GAME_WHOLE_FEATURES if of_games else WHOLE_FEATURES),
        policy=empty(ACTION_COUNT),
        legal=empty(ACTION_COUNT, dtype=torch.bool),
        tricks=empty(MAX_PLAYERS, dtype=torch.int64),
        possible=empty(MAX_PLAYERS, TRICK_COUNTS, dtype=torch.bool),
        shares=empty(MAX_PLAYERS),
        bid=empty(dtype=torch.int64),
        greedy=empty(dtype=torch.bool),
    )


class ReplayWindow:
    """The newest rounds up to a number of decisions; the oldest are dropped, whole rounds only."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._hold(no_rounds())

    def _hold(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._ends = np.cumsum(rounds.decisions)

    @property
    def decisions(self) -> int:
        """Decisions in the window."""
        return self._rounds.decision_count

    def add(self, rounds: Rounds) -> None:
        """Add new rounds and drop the oldest beyond the capacity; the newest round stays."""
        joined = join([self._rounds, rounds])
        from_newest = np.cumsum(joined.decisions[::-1])
        kept = int(np.searchsorted(from_newest, self._capacity, side="right"))
        self._hold(joined.newest(max(kept, 1)) if kept < len(joined) else joined)

    def order(self, generator: np.random.Generator, draws: int, pool: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the decisions to draw, in random order.

        A decision is drawn a second time only after every decision of the pool was drawn once.
        With replacement, as many draws as decisions would leave out 37 % of them.

        Args:
            generator: the source of randomness.
            draws: the length of the result.
            pool: draw from this many of the newest decisions; fewer if the window has fewer.

        Raises:
            ValueError: the window is empty.
        """
        if self.decisions == 0:
            raise ValueError("nothing to learn from: the replay window is empty")
        pool = min(pool, self.decisions)
        passes = [generator.permutation(pool) for _ in range(-(-draws // pool))]
        return np.concatenate(passes)[:draws] + (self.decisions - pool)

    def read(self, numbers: npt.NDArray[np.int64], tau: float, batch: Batch) -> None:
        """Fill `batch` with decisions.

        Args:
            numbers: `[B]`, the decisions' numbers in the window, the oldest's being 0.
            tau: the policy targets are raised to the power of 1 / tau and normalized.
            batch: is overwritten.

        Raises:
            ValueError: there is another number of them than the batch has rows, or one that the
                window does not hold.
        """
        # Kernels do not check bounds: they would read past the records.
        fits = len(numbers) == len(batch.wholes)
        if not fits or numbers.min() < 0 or numbers.max() >= self.decisions:
            raise ValueError(
                f"cannot read {len(numbers)} decisions into {len(batch.wholes)} rows: the numbers "
                f"must be below {self.decisions}, and as many as rows"
            )
        _fill(self._rounds.data, self._rounds.starts, self._ends, numbers, tau, batch)

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the records as arrays. `add` replaces them and never changes them in place."""
        return self._rounds.state_dict()

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Continue from a `state_dict`."""
        self._hold(
            Rounds(
                state["data"].astype(np.uint8),
                state["starts"].astype(np.int64),
                state["decisions"].astype(np.int64),
            )
        )


def compile_read(batch: Batch) -> None:
    """Compile the kernel behind `ReplayWindow.read` for such batches, or load it from the cache."""
    rounds = no_rounds()
    numbers = np.zeros(1, np.int64)
    compiled_for(
        _fill, rounds.data, rounds.starts, np.cumsum(rounds.decisions), numbers, 1.0, batch
    )


@kernel
def _fill(
    data: Bytes,
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.int64],
    tau: float,
    batch: Batch,
) -> None:
    # The window holds compact records, not encoded examples, which take hundreds of floats each.
    # So every read replays a round up to the decision and encodes the state there.
    state = np.empty(STATE, np.int64)
    slots = np.empty(SUITS, np.int64)
    legal = np.empty(MAX_LEGAL, np.int64)
    for i in range(len(numbers)):
        # Decisions are numbered through the whole window; `ends` gives the round of a number.
        number = count_at_most(ends, numbers[i])
        before = ends[number - 1] if number > 0 else 0
        record = data[starts[number] : starts[number + 1]].astype(np.int64)
        policy = replay_to(record, numbers[i] - before, state)
        batch.greedy[i] = is_greedy(record)
        encode_whole(state, batch.wholes[i, :WHOLE_FEATURES], slots)
        if state[LONGEST] > 0:
            _fill_game(state, winners_of(record), batch.wholes[i], batch.shares[i])
        count = legal_actions(state, legal)
        batch.policy[i] = 0.0
        batch.legal[i] = False
        # Divided by the largest weight first, so that no power overflows or vanishes for a small
        # tau. A policy of zeros, as of an opponent, stays zero and is not learned.
        peak = max(largest(record[policy:], count), 1)
        total = 0.0
        for edge in range(count):
            weight = (record[policy + edge] / peak) ** (1.0 / tau)
            output = action_output(legal[edge], slots)
            batch.policy[i, output] = weight
            batch.legal[i, output] = True
            total += weight
        if total > 0.0:
            for edge in range(count):
                batch.policy[i, action_output(legal[edge], slots)] /= total
        # Targets are relative to the acting seat. `replay_out` overwrites `state` with the end of
        # the round, so all that belongs to the decision is read before it.
        observer = state[SEAT]
        bids = is_bidding(state)
        batch.possible[i] = False
        for relative in range(state[PLAYERS]):
            seat = (observer + relative) % state[PLAYERS]
            for tricks in range(state[TRICKS + seat], most_tricks(state, seat) + 1):
                batch.possible[i, relative, tricks] = True
        replay_out(record, state)
        batch.bid[i] = state[BIDS + observer] if bids else ABSENT
        batch.tricks[i] = ABSENT
        for relative in range(state[PLAYERS]):
            batch.tricks[i, relative] = state[TRICKS + (observer + relative) % state[PLAYERS]]


@inner_kernel
def _fill_game(
    state: State, winners: int, whole: npt.NDArray[np.float32], shares: npt.NDArray[np.float32]
) -> None:
    encode_game(state, whole[WHOLE_FEATURES:])
    shares[:] = 0.0
    for relative in range(state[PLAYERS]):
        shares[relative] = win_share(winners, (state[SEAT] + relative) % state[PLAYERS])
