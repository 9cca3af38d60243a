"""A block's rounds in play: dealt into lanes, moved on action by action, and recorded.

A finished round's lane is dealt the next one of its game, and after a game's last round the first
of the block's next game, so no round waits for another lane's. A round that stands alone is a game
of one. Forced moves are played at once, and so are those of random opponents: seats whose players
choose uniformly at random.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import (
    FULL_SHARE,
    GREEDY,
    IN_GAME,
    MAX_POLICY_BYTES,
    Rounds,
    game_part,
    join,
)
from blobmaster.game.rules import (
    ACTIONS,
    LEFT,
    MAX_LEGAL,
    RANDOM_SEATS,
    SCORES,
    SEAT,
    STATE,
    State,
    apply,
    is_over,
    legal_actions,
    only_action,
)
from blobmaster.game.standing import deal_next, score_round, winners
from blobmaster.kernels.compile import kernel
from blobmaster.kernels.rng import Stream, below, uniform
from blobmaster.search.endgame import is_settled
from blobmaster.search.tree import MAX_PATH
from blobmaster.selfplay.deals import Deals

IDLE = -1


class Block(NamedTuple):
    """A block being played: R rounds through S lanes."""

    plan: npt.NDArray[np.int64]
    """`[R, 4]`: players, cards, trump, dealer."""
    deck: npt.NDArray[np.int64]
    """`[R, 52]`."""
    random_seats: npt.NDArray[np.int64]
    """`[R]`: the mask of seats that play at random."""
    greedy: npt.NDArray[np.bool_]
    """`[R]`: whether every choice is the likeliest."""
    starts: npt.NDArray[np.int64]
    """`[G + 1]`: the first round of each game, and R."""
    places: npt.NDArray[np.int64]
    """`[R, 2]`: most cards of the round's game, and how many of its rounds come after it."""
    scores: npt.NDArray[np.int64]
    """`[R, MAX_PLAYERS]`: each seat's before the round."""
    winners: npt.NDArray[np.int64]
    """`[R]`: the mask of seats that won the round's game, once it is over."""
    streams: npt.NDArray[np.uint64]
    """`[R, 1]`: each round's own random stream."""
    round_of: npt.NDArray[np.int64]
    """`[S]`: the round that a lane plays, or `IDLE`."""
    state: State
    """`[S, STATE]`: at a real choice of no stranger's, while the lane is not idle."""
    begun: npt.NDArray[np.int64]
    """`[1]`: games dealt so far."""
    finished: npt.NDArray[np.int64]
    """`[1]`: rounds played to the end."""
    actions: npt.NDArray[np.uint8]
    """`[R, MAX_PATH]`."""
    policy: npt.NDArray[np.uint8]
    """`[R, MAX_POLICY_BYTES]`."""
    policy_bytes: npt.NDArray[np.int64]
    """`[R]`: how much of `policy` is written."""
    decisions: npt.NDArray[np.int64]
    """`[R]`: real choices so far."""
    ends_settled: bool
    """Whether chance plays on where no seat's points can change any more."""


def new_block(deals: Deals, lanes: int, *, ends_settled: bool) -> Block:
    """A block before its first deal."""
    rounds = len(deals)
    return Block(
        plan=deals.plan,
        deck=deals.deck,
        random_seats=deals.random_seats,
        greedy=deals.greedy,
        starts=deals.starts,
        places=deals.places,
        scores=np.zeros((rounds, MAX_PLAYERS), np.int64),
        winners=np.zeros(rounds, np.int64),
        streams=deals.streams.copy(),
        round_of=np.full(lanes, IDLE, np.int64),
        state=np.zeros((lanes, STATE), np.int64),
        begun=np.zeros(1, np.int64),
        finished=np.zeros(1, np.int64),
        actions=np.zeros((rounds, MAX_PATH), np.uint8),
        policy=np.zeros((rounds, MAX_POLICY_BYTES), np.uint8),
        policy_bytes=np.zeros(rounds, np.int64),
        decisions=np.zeros(rounds, np.int64),
        ends_settled=ends_settled,
    )


@kernel
def refill(block: Block, lane: int) -> bool:
    """Deal the block's next game into an idle lane; whether one is there to be decided on."""
    while block.begun[0] < len(block.starts) - 1:
        number = block.starts[block.begun[0]]
        block.begun[0] += 1
        block.state[lane] = 0
        _deal(block, lane, number)
        if _move_on(block, lane):
            return True
    block.round_of[lane] = IDLE
    return False


@kernel
def _deal(block: Block, lane: int, number: int) -> None:
    block.round_of[lane] = number
    most, left = block.places[number]
    state = block.state[lane]
    deal_next(state, block.plan[number], block.deck[number], most, left)
    state[RANDOM_SEATS] = block.random_seats[number]
    block.scores[number] = state[SCORES : SCORES + MAX_PLAYERS]


@kernel
def decide(block: Block, lane: int, action: int) -> bool:
    """Take the lane's decision and go on to its next one; whether there is one.

    The policy of the decision must have been written.
    """
    _take(block, lane, action)
    return _move_on(block, lane) or refill(block, lane)


@kernel
def _move_on(block: Block, lane: int) -> bool:
    """Play what is forced and what is left to chance; whether the game waits for a decision."""
    while not _play_on(block, lane):
        state = block.state[lane]
        number = block.round_of[lane]
        block.finished[0] += 1
        score_round(state)
        if state[LEFT] == 0:
            first = block.starts[np.searchsorted(block.starts, number, side="right") - 1]
            block.winners[first : number + 1] = winners(state)
            return False
        _deal(block, lane, number + 1)
    return True


@kernel
def _play_on(block: Block, lane: int) -> bool:
    """The same within a round; whether it waits for a decision, else it is over."""
    state = block.state[lane]
    number = block.round_of[lane]
    legal = np.empty(MAX_LEGAL, np.int64)
    shares = np.zeros(MAX_LEGAL, np.float64)
    while not is_over(state):
        action = only_action(state)
        if action < 0:
            if not _is_left_to_chance(block, state):
                return True
            count = legal_actions(state, legal)
            write_policy(block, lane, shares, count)
            action = legal[below(block.streams[number], count)]
        _take(block, lane, action)
    return False


@kernel
def _is_left_to_chance(block: Block, state: State) -> bool:
    """Whether the choice is a stranger's, or makes no difference any more."""
    if (state[RANDOM_SEATS] >> state[SEAT]) & 1 != 0:
        return True
    return block.ends_settled and is_settled(state)


@kernel
def _take(block: Block, lane: int, action: int) -> None:
    state = block.state[lane]
    block.actions[block.round_of[lane], state[ACTIONS]] = action
    apply(state, action)


@kernel
def write_policy(block: Block, lane: int, shares: npt.NDArray[np.float64], count: int) -> None:
    """Record the policy of the lane's decision: `shares` of `count` legal actions, summing to one
    (or all zero, where there is nothing to learn)."""
    number = block.round_of[lane]
    start = block.policy_bytes[number]
    for edge in range(count):
        block.policy[number, start + edge] = np.int64(FULL_SHARE * shares[edge] + 0.5)
    block.policy_bytes[number] = start + count
    block.decisions[number] += 1


@kernel
def draw_edge(
    shares: npt.NDArray[np.float64], count: int, temperature: float, stream: Stream
) -> int:
    """An edge drawn in proportion to shares^(1 / temperature); that of the largest share at 0."""
    most = 0
    for edge in range(count):
        if shares[edge] > shares[most]:
            most = edge
    if temperature == 0.0:
        return most
    total = 0.0
    for edge in range(count):
        total += (shares[edge] / shares[most]) ** (1.0 / temperature)
    left = uniform(stream) * total
    for edge in range(count):
        left -= (shares[edge] / shares[most]) ** (1.0 / temperature)
        if left < 0.0:
            return edge
    return most


class ProgressCounter:
    """Reports the rounds of a block as they are finished."""

    def __init__(self, block: Block, on_rounds: Callable[[int], None]) -> None:
        self._block = block
        self._on_rounds = on_rounds
        self._reported = 0

    def report(self) -> None:
        """Call `on_rounds` with the number of rounds finished since the last report, if any."""
        finished = int(self._block.finished[0])
        if finished > self._reported:
            self._on_rounds(finished - self._reported)
            self._reported = finished


def records_of(block: Block) -> Rounds:
    """The rounds of a block that is played to the end, in the order in which they were dealt."""
    return join(_record(block, number) for number in range(len(block.plan)))


def _record(block: Block, number: int) -> Rounds:
    players, cards, trump, dealer = block.plan[number].tolist()
    most, left = block.places[number].tolist()
    dealt = players * cards
    kind = players + (IN_GAME if most else 0) + (GREEDY if block.greedy[number] else 0)
    header = [kind, cards, trump, dealer, block.random_seats[number]]
    parts = [
        np.array(header, np.uint8),
        block.deck[number, :dealt].astype(np.uint8),
        block.actions[number, : players + dealt],
        block.policy[number, : block.policy_bytes[number]],
    ]
    if most:
        scores = block.scores[number, :players]
        parts.insert(1, game_part(most, left, int(block.winners[number]), scores))
    data = np.concatenate(parts)
    return Rounds(data, np.array([0, len(data)]), block.decisions[number : number + 1])
