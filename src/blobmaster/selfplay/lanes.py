"""The lanes of a block in play: deal rounds into them, take actions, and record the rounds.

When a lane's round is over, the lane gets the next round of its game, and after the last one the
first round of the block's next game. So no lane waits for another. A round outside games counts as
a game of one round. Forced moves are played at once, and so are the moves of opponents that need no
network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import (
    BY_NETWORK,
    FIRST_STYLE,
    KIND_BYTES,
    KNOWN,
    RANDOM,
    is_opponent,
    kind_at,
    kinds_of,
    seat_mask,
    style_of,
)
from blobmaster.game.records import (
    FULL_SHARE,
    GREEDY,
    IN_GAME,
    MAX_POLICY_BYTES,
    STYLED,
    TABLE_KNOWN,
    WIDE_KINDS,
    Rounds,
    game_header,
    join,
)
from blobmaster.game.rules import (
    ACTIONS,
    MAX_LEGAL,
    OPPONENTS,
    ROUNDS_LEFT,
    SCORES,
    SEAT,
    STATE,
    State,
    apply,
    is_over,
    legal_actions,
    legal_count,
    only_action,
)
from blobmaster.game.standing import deal_next, score_round, winners
from blobmaster.kernels.arrays import copy_row, count_at_most
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream, below, uniform
from blobmaster.search.endgame import is_settled
from blobmaster.search.tree import MAX_PATH
from blobmaster.selfplay.deals import Deals
from blobmaster.styles.rules import choose_by_style

IDLE = -1
"""The round of a lane that has none: the block has no more games to deal."""

_AT_RANDOM, _BY_NETWORK = -1, -2


class Block(NamedTuple):
    """A block in play: R rounds of G games in S lanes."""

    plan: npt.NDArray[np.int64]
    """`[R, 4]`: players, cards, trump, dealer."""
    deck: npt.NDArray[np.int64]
    """`[R, 52]`."""
    opponents: npt.NDArray[np.int64]
    """`[R]`: the state's `OPPONENTS`."""
    greedy: npt.NDArray[np.bool_]
    """`[R]`: True in rounds whose every choice is the most probable action."""
    starts: npt.NDArray[np.int64]
    """`[G + 1]`: the first round of each game, and R."""
    places: npt.NDArray[np.int64]
    """`[R, 2]`: most cards of the round's game, and the number of its rounds still to come."""
    scores: npt.NDArray[np.int64]
    """`[R, MAX_PLAYERS]`: scores before the round."""
    winners: npt.NDArray[np.int64]
    """`[R]`: mask of the seats that won the round's game, once it is over."""
    streams: npt.NDArray[np.uint64]
    """`[R, 1]`: each round's own random stream."""
    round_of: npt.NDArray[np.int64]
    """`[S]`: the round that a lane plays, or `IDLE`."""
    state: State
    """`[S, STATE]`: in lanes that are not idle, at a choice between actions that needs the
    network."""
    games_dealt: npt.NDArray[np.int64]
    """`[1]`: games dealt so far."""
    finished: npt.NDArray[np.int64]
    """`[1]`: rounds played to the end."""
    actions: npt.NDArray[np.uint8]
    """`[R, MAX_PATH]`: all actions of a round, forced ones included."""
    policy: npt.NDArray[np.uint8]
    """`[R, MAX_POLICY_BYTES]`: the policies of a round's decisions, one after another."""
    policy_bytes: npt.NDArray[np.int64]
    """`[R]`: bytes of `policy` written so far."""
    decisions: npt.NDArray[np.int64]
    """`[R]`: choices between two or more actions so far."""
    legal: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`: scratch for legal actions."""
    shares: npt.NDArray[np.float64]
    """`[MAX_LEGAL]`: scratch for a policy."""
    network_opponent_temperature: float
    """The temperature at which opponents that are networks draw their actions."""
    ends_settled: bool
    """True to play at random once no seat's points of the round can change any more."""


def new_block(deals: Deals, lanes: int, settings: SelfPlaySettings) -> Block:
    """Return a block before its first deal."""
    rounds = len(deals)
    return Block(
        plan=deals.plan,
        deck=deals.deck,
        opponents=deals.opponents,
        greedy=deals.greedy,
        starts=deals.starts,
        places=deals.places,
        scores=np.zeros((rounds, MAX_PLAYERS), np.int64),
        winners=np.zeros(rounds, np.int64),
        # Copied: play moves the streams on, and `deals` must stay as it was dealt.
        streams=deals.streams.copy(),
        round_of=np.full(lanes, IDLE, np.int64),
        state=np.zeros((lanes, STATE), np.int64),
        games_dealt=np.zeros(1, np.int64),
        finished=np.zeros(1, np.int64),
        # Results are stored by round, not by lane: which lane plays a round depends on how long the
        # others take, and the records must not.
        actions=np.zeros((rounds, MAX_PATH), np.uint8),
        policy=np.zeros((rounds, MAX_POLICY_BYTES), np.uint8),
        policy_bytes=np.zeros(rounds, np.int64),
        decisions=np.zeros(rounds, np.int64),
        legal=np.zeros(MAX_LEGAL, np.int64),
        shares=np.zeros(MAX_LEGAL),
        network_opponent_temperature=settings.network_opponent_temperature,
        ends_settled=settings.end_settled,
    )


@inner_kernel
def refill(block: Block, lane: int) -> bool:
    """Deal games into the lane until one needs a decision; return False if none is left."""
    while block.games_dealt[0] < len(block.starts) - 1:
        number = block.starts[block.games_dealt[0]]
        block.games_dealt[0] += 1
        # `deal_next` keeps the scores, and those of the lane's last game
        # must not reach the next one.
        block.state[lane] = 0
        _deal(block, lane, number)
        if _move_on(block, lane):
            return True
    block.round_of[lane] = IDLE
    return False


@inner_kernel
def _deal(block: Block, lane: int, number: int) -> None:
    block.round_of[lane] = number
    most, left = block.places[number]
    state = block.state[lane]
    deal_next(state, block.plan[number], block.deck[number], most, left)
    state[OPPONENTS] = block.opponents[number]
    copy_row(state[SCORES:], block.scores[number])


@inner_kernel
def decide(block: Block, lane: int, action: int) -> bool:
    """Take an action and go on to the lane's next decision; return True if there is one.

    Call `write_policy` for the decision first.
    """
    _take(block, lane, action)
    return _move_on(block, lane) or refill(block, lane)


@inner_kernel
def _move_on(block: Block, lane: int) -> bool:
    """Play until the lane's game needs a decision; return False if the game is over."""
    while not _play_on(block, lane):
        state = block.state[lane]
        number = block.round_of[lane]
        block.finished[0] += 1
        # A round outside games is scored too; nobody reads that score, and `refill` clears it.
        score_round(state)
        if state[ROUNDS_LEFT] == 0:
            # The winners are known only now, and every round of the game records them.
            first = block.starts[count_at_most(block.starts, number) - 1]
            won = winners(state)
            for played in range(first, number + 1):
                block.winners[played] = won
            return False
        _deal(block, lane, number + 1)
    return True


@inner_kernel
def _play_on(block: Block, lane: int) -> bool:
    """Play moves that need no network; return True at a decision, False when the round is over."""
    state = block.state[lane]
    number = block.round_of[lane]
    while not is_over(state):
        action = only_action(state)
        if action < 0:
            if needs_network(block, state):
                return True
            # Every real choice writes its bytes, also where there is nothing to learn: readers find
            # a policy by counting the legal actions of the choices before it (`records.replay_to`).
            # Its bytes stay zero.
            _end_policy(block, number, legal_count(state))
            action = choose_without_network(block, state, block.streams[number])
        _take(block, lane, action)
    return False


@inner_kernel
def needs_network(block: Block, state: State) -> bool:
    """Return True if the acting seat's choice is made by a network."""
    return _style_of_choice(block, state) == _BY_NETWORK


@inner_kernel
def choose_without_network(block: Block, state: State, stream: Stream) -> int:
    """Return the action of an opponent that needs no network, or of a seat in a settled round."""
    style = _style_of_choice(block, state)
    if style == _AT_RANDOM:
        count = legal_actions(state, block.legal)
        return block.legal[below(stream, count)]
    return choose_by_style(state, style, stream)


@inner_kernel
def _style_of_choice(block: Block, state: State) -> int:
    """Return the style by which the acting seat chooses, or `_AT_RANDOM` or `_BY_NETWORK`."""
    if is_opponent(state, state[SEAT]):
        kind = kind_at(state, state[SEAT])
        if kind == RANDOM:
            return _AT_RANDOM
        if kind >= FIRST_STYLE:
            return style_of(kind)
    # A choice that can change no points teaches nothing.
    return _AT_RANDOM if block.ends_settled and is_settled(state) else _BY_NETWORK


@inner_kernel
def is_network_opponent(state: State) -> bool:
    """Return True if an opponent that is a network is to act: nothing is learned from it."""
    seat = state[SEAT]
    return is_opponent(state, seat) and kind_at(state, seat) == BY_NETWORK


@inner_kernel
def temperature_of(block: Block, number: int, state: State) -> float:
    """Return the temperature of a choice by a network in round `number`: 0 takes the likeliest."""
    if is_network_opponent(state):
        return block.network_opponent_temperature
    return 0.0 if block.greedy[number] else 1.0


@inner_kernel
def _take(block: Block, lane: int, action: int) -> None:
    state = block.state[lane]
    block.actions[block.round_of[lane], state[ACTIONS]] = action
    apply(state, action)


@inner_kernel
def write_policy(block: Block, lane: int, shares: npt.NDArray[np.float64], count: int) -> None:
    """Record the policy of the lane's decision.

    Args:
        block, lane: where.
        shares: the policy target of the first `count` entries, in the order of the legal actions:
            sums to one, or is all zero where there is nothing to learn.
        count: number of legal actions.
    """
    number = block.round_of[lane]
    # A byte per action keeps a decision of the replay window small. Rounded shares may not add up
    # to `FULL_SHARE`, so the learner normalises them again.
    start = block.policy_bytes[number]
    for edge in range(count):
        # Quantized to a byte: a share of 1 is FULL_SHARE.
        block.policy[number, start + edge] = np.int64(FULL_SHARE * shares[edge] + 0.5)
    _end_policy(block, number, count)


@inner_kernel
def _end_policy(block: Block, number: int, count: int) -> None:
    """Count a round's decision between `count` actions, and the bytes of its policy."""
    block.policy_bytes[number] += count
    block.decisions[number] += 1


@kernel
def draw_edge(
    shares: npt.NDArray[np.float64], count: int, temperature: float, stream: Stream
) -> int:
    """Draw an edge in proportion to `shares^(1 / temperature)`; at 0 take the largest share.

    At temperature 0 nothing is drawn from the stream, and the first of equal shares is taken.
    """
    # The first of equal shares, as `argmax` takes it in rated play.
    most = 0
    for edge in range(count):
        if shares[edge] > shares[most]:
            most = edge
    if temperature == 0.0:
        return most
    # Relative to the largest share, which is then 1: at low temperatures all powers could underflow
    # to 0 otherwise.
    total = 0.0
    for edge in range(count):
        total += (shares[edge] / shares[most]) ** (1.0 / temperature)
    # The powers are computed twice instead of stored: a scratch array here would be
    # allocated at every decision.
    left = uniform(stream) * total
    for edge in range(count):
        left -= (shares[edge] / shares[most]) ** (1.0 / temperature)
        if left < 0.0:
            return edge
    return most  # rounding errors may leave a rest


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
    """Return the rounds of a finished block, in the order of its deals."""
    # Rows have room for the longest round; only the bytes that were written go into a record.
    return join(_record(block, number) for number in range(len(block.plan)))


def _record(block: Block, number: int) -> Rounds:
    players, cards, trump, dealer = block.plan[number].tolist()
    most, left = block.places[number].tolist()
    dealt = players * cards
    opponents = block.opponents[number]
    kinds = int(kinds_of(opponents))
    flags = (STYLED if kinds else 0) | (IN_GAME if most else 0)
    flags |= GREEDY if block.greedy[number] else 0
    flags |= TABLE_KNOWN if opponents & KNOWN else 0
    # The opponents are part of the record, because the critic sees them (see
    # `features.encode_deal`).
    wide = WIDE_KINDS if kinds else 0
    header = [players | flags, cards | wide, trump, dealer, seat_mask(opponents)]
    parts = [
        np.array(header, np.uint8),
        block.deck[number, :dealt].astype(np.uint8),
        block.actions[number, : players + dealt],
        block.policy[number, : block.policy_bytes[number]],
    ]
    if kinds:
        parts.insert(1, np.frombuffer(kinds.to_bytes(KIND_BYTES, "little"), np.uint8))
    if most:
        scores = block.scores[number, :players]
        parts.insert(1, game_header(most, left, int(block.winners[number]), scores))
    data = np.concatenate(parts)
    return Rounds(data, np.array([0, len(data)]), block.decisions[number : number + 1])
