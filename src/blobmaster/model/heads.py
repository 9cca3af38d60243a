"""Decodes the network's outputs: priors of legal actions, values of seats, shares of the win."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_CARDS, MAX_PLAYERS, RANKS
from blobmaster.game.rules import (
    ACTION_COUNT,
    BIDS,
    DEALT,
    FIRST_BID,
    MAX_LEGAL,
    PLAYERS,
    ROUNDS_LEFT,
    SEAT,
    TRICKS,
    State,
    is_bidding,
    legal_actions,
)
from blobmaster.game.scoring import exact_points, most_points
from blobmaster.game.standing import win_share, winners
from blobmaster.kernels.arrays import largest
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.model.features import Slots

TRICK_COUNTS = MAX_CARDS + 1
"""A seat takes 0 to 17 tricks in a round."""

TRICK_OUTPUTS = MAX_PLAYERS * TRICK_COUNTS
"""For each relative seat, a logit per number of tricks that it may take in the whole round."""

BID_OUTPUTS = MAX_CARDS + 1
"""For each bid, the log odds that the acting seat makes it exactly if it bids so.

The tricks head does not tell these: how many tricks a seat takes depends on what it has bid."""

ACTOR_OUTPUTS = ACTION_COUNT + TRICK_OUTPUTS + BID_OUTPUTS
"""Width of the actor's output: a logit per action in canonical suits, then the tricks of all seats
as predicted from the acting seat's view, then the acting seat's bids."""

CRITIC_OUTPUTS = TRICK_OUTPUTS
"""Width of the critic's output: the tricks of all seats, with all hands known."""

SHARE_OUTPUTS = MAX_PLAYERS
"""Width of the standing's output: a logit per relative seat, of its share of the win."""


@kernel
def action_output(action: int, slots: Slots) -> int:
    """Return the index of an action's logit in the actor's output."""
    # Bids have no suit: their logits stand behind those of the cards.
    if action >= FIRST_BID:
        return action
    return RANKS * slots[action // RANKS] + action % RANKS


@inner_kernel
def most_tricks(state: State, seat: int) -> int:
    """Return the most tricks that `seat` can end the round with: those taken and all left."""
    taken = 0
    for other in range(state[PLAYERS]):
        taken += state[TRICKS + other]
    return state[TRICKS + seat] + state[DEALT] - taken


@inner_kernel
def decode_priors(
    state: State,
    slots: Slots,
    output: npt.NDArray[np.float32],
    legal: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float32],
) -> None:
    """Decode a row of the actor's output into the prior of each legal action.

    Args:
        state: `[STATE]`.
        slots: `[SUITS]`, from the encoding of the same state.
        output: `[ACTOR_OUTPUTS]`.
        legal: `[MAX_LEGAL]`, scratch.
        prior: `[MAX_LEGAL]`, overwritten: a softmax in the order of `legal_actions`, then zeros.
    """
    count = legal_actions(state, legal)
    # Only legal actions take part in the softmax, here and in the loss, so
    # logits of others mean nothing.
    _softmax_legal(output, slots, legal, count, prior)


@inner_kernel
def decode_values(
    state: State, tricks: npt.NDArray[np.float32], value: npt.NDArray[np.float32]
) -> None:
    """Decode a row of trick logits into the value of each seat.

    The value is the expected points over `most_points` of the round, under the softmax over the
    numbers of tricks that are still possible. A seat that has not bid is valued as if it made the
    bid that pays best.

    Args:
        state: `[STATE]`.
        tricks: `[TRICK_OUTPUTS]`.
        value: `[MAX_PLAYERS]`, overwritten, by absolute seat; 0 for seats that are not in play.
    """
    players = state[PLAYERS]
    scale = 1.0 / most_points(state[DEALT])
    for seat in range(players):
        start = (seat - state[SEAT]) % players * TRICK_COUNTS
        # Numbers of tricks outside low..high are impossible by now and get no probability, whatever
        # their logits say. So the fewer tricks are left, the less the network can get wrong.
        low = state[TRICKS + seat]
        high = most_tricks(state, seat)
        # The value of a seat that has not bid is a stand-in: no choice depends on it, since below
        # any node its seat has bid. For the dealer it may count the bid that is forbidden.
        value[seat] = scale * _expected_points(tricks, start, low, high, state[BIDS + seat])
    value[players:] = 0.0


@inner_kernel
def decode_chances(
    state: State,
    tricks: npt.NDArray[np.float32],
    bids: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float32],
) -> None:
    """Decode a row of trick logits into each seat's bid and the probability that it is exact.

    Args:
        state: `[STATE]`, in which every seat has bid; also of a round that is over.
        tricks: `[TRICK_OUTPUTS]`.
        bids: `[MAX_PLAYERS]`, overwritten, by absolute seat.
        exact: `[MAX_PLAYERS]`, overwritten: the probability that the bid is exact.
    """
    players = state[PLAYERS]
    for seat in range(players):
        start = (seat - state[SEAT]) % players * TRICK_COUNTS
        low = state[TRICKS + seat]
        high = most_tricks(state, seat)
        bid = state[BIDS + seat]
        # A missed bid pays 0, so expected points over the points of the bid are its probability.
        made = _expected_points(tricks, start, low, high, bid)
        bids[seat] = bid
        exact[seat] = made / exact_points(bid)
    bids[players:] = 0
    exact[players:] = 0.0


@inner_kernel
def decode_shares(
    state: State, logits: npt.NDArray[np.float32], share: npt.NDArray[np.float32]
) -> None:
    """Decode a row of share logits into each seat's expected share of the win.

    Args:
        state: `[STATE]`, between two rounds; in a game that is over the winners share the win.
        logits: `[SHARE_OUTPUTS]`.
        share: `[MAX_PLAYERS]`, overwritten, by absolute seat; sums to one, with 0 for seats that
            are not in play.
    """
    players = state[PLAYERS]
    share[players:] = 0.0
    # A finished game is not predicted: whoever has the highest score has won.
    if state[ROUNDS_LEFT] < 0:
        won = winners(state)
        for seat in range(players):
            share[seat] = win_share(won, seat)
        return
    # Logits of relative seats beyond the players are left out: they are never learned.
    peak = largest(logits, players)
    total = 0.0
    for relative in range(players):
        seat = (state[SEAT] + relative) % players
        share[seat] = np.exp(logits[relative] - peak)
        total += share[seat]
    for seat in range(players):
        share[seat] /= total


@inner_kernel
def _softmax_legal(
    output: npt.NDArray[np.float32],
    slots: Slots,
    legal: npt.NDArray[np.int64],
    count: int,
    prior: npt.NDArray[np.float32],
) -> None:
    peak = -np.inf  # subtracted below: exp of a large logit would overflow
    for i in range(count):
        prior[i] = output[action_output(legal[i], slots)]
        peak = max(peak, prior[i])
    total = 0.0
    for i in range(count):
        prior[i] = np.exp(prior[i] - peak)
        total += prior[i]
    for i in range(count):
        prior[i] /= total
    prior[count:] = 0.0


@inner_kernel
def _expected_points(
    output: npt.NDArray[np.float32], start: int, low: int, high: int, bid: int
) -> float:
    """Return a seat's expected points: for its bid, or for the best bid if `bid` is -1.

    Its trick logits stand in `output` from `start`; `low` to `high` are the possible tricks.
    """
    # The seat has taken too many tricks, or can no longer take enough.
    if bid >= 0 and (bid < low or bid > high):
        return 0.0
    peak = -np.inf
    for tricks in range(low, high + 1):
        peak = max(peak, output[start + tricks])
    total = 0.0
    at_bid = 0.0
    best = 0.0
    for tricks in range(low, high + 1):
        weight = np.exp(output[start + tricks] - peak)
        total += weight
        # Both results come from one pass: calls without a bid and with one are mixed in a batch.
        best = max(best, weight * exact_points(tricks))
        if tricks == bid:
            at_bid = weight * exact_points(bid)
    return (at_bid if bid >= 0 else best) / total


@kernel
def decode_prior_rows(
    states: State,
    slots: npt.NDArray[np.int64],
    outputs: npt.NDArray[np.float32],
    priors: npt.NDArray[np.float32],
) -> None:
    """Apply `decode_priors` to each of `[rows, STATE]`."""
    legal = np.empty(MAX_LEGAL, np.int64)
    for i in range(len(states)):
        decode_priors(states[i], slots[i], outputs[i], legal, priors[i])


@kernel
def decode_value_rows(
    states: State, tricks: npt.NDArray[np.float32], values: npt.NDArray[np.float32]
) -> None:
    """Apply `decode_values` to each of `[rows, STATE]`."""
    for i in range(len(states)):
        decode_values(states[i], tricks[i], values[i])


@kernel
def decode_exact_rows(
    states: State, outputs: npt.NDArray[np.float32], exact: npt.NDArray[np.float32]
) -> None:
    """Decode rows of the actor's output into the acting seat's P(exact) by bid.

    Args:
        states: `[rows, STATE]`.
        outputs: `[rows, TRICK_OUTPUTS + BID_OUTPUTS]`: the actor's output without action logits.
        exact: `[rows, TRICK_COUNTS]`, overwritten. For a seat that bids: the probability that each
            bid is made if it is bid. For a seat that plays: the probability of each number of
            tricks, which sums to one over those still possible.
    """
    for row in range(len(states)):
        # The acting seat is relative seat 0: its tricks are the first outputs of the row.
        state, share, tricks = states[row], exact[row], outputs[row]
        if is_bidding(state):
            share[:] = 0.0
            for bid in range(state[DEALT] + 1):
                # From an output of its own: read off the tricks, the P(exact) of a bid with a prior
                # under 0.6 said 39 % where 48 % were made (docs/decisions.md). A large negative
                # logit gives 1 / infinity, which is 0.
                share[bid] = 1.0 / (1.0 + np.exp(-outputs[row, TRICK_OUTPUTS + bid]))
            continue
        # Once the seat has bid, its tricks tell what it will make of that bid.
        low = state[TRICKS + state[SEAT]]
        high = most_tricks(state, state[SEAT])
        share[:] = 0.0
        peak = largest(tricks[low:], high + 1 - low)
        for count in range(low, high + 1):
            share[count] = np.exp(tricks[count] - peak)
        share /= share.sum()


@kernel
def decode_share_rows(
    states: State, logits: npt.NDArray[np.float32], shares: npt.NDArray[np.float32]
) -> None:
    """Apply `decode_shares` to each of `[rows, STATE]`."""
    for i in range(len(states)):
        decode_shares(states[i], logits[i], shares[i])


@kernel
def decode_chance_rows(
    states: State,
    tricks: npt.NDArray[np.float32],
    bids: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float32],
) -> None:
    """Apply `decode_chances` to each of `[rows, STATE]`."""
    for i in range(len(states)):
        decode_chances(states[i], tricks[i], bids[i], exact[i])
