"""Best responses of a seat that sees all hands, to frozen players whose choices it can compute.

Every sequence of the seat's own actions is tried: at 4 × 5, at most 6 bids times 120 orders of its
cards. The other seats take the most likely action of a network. No honest seat can gain more
against them, so the gain bounds their exploitability from above. The bound is loose: an honest seat
does not know the other hands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.evaluation.exact.priors import ROWS
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    State,
    apply,
    deal_into,
    is_over,
    legal_actions,
    play_forced,
)
from blobmaster.game.scoring import points
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.arrays import copy_row, first_largest
from blobmaster.kernels.compile import kernel
from blobmaster.search.tree import Priors
from blobmaster.selfplay.deals import Deals

MOST_CARDS = 6
"""The most cards of a round that is enumerated: at 4 × 7 a seat has 40,320 lines of play."""

NOBODY = -1
"""The deviating seat of the line in which no seat deviates."""

_PENDING = MAX_LEGAL * (MOST_CARDS + 1)
"""Own choices that wait while one line is followed: all actions of each choice on it."""


class Lines(NamedTuple):
    """Lines of play that wait for a network's choice; capacity R."""

    state: State
    """`[R, STATE]`."""
    deviator: npt.NDArray[np.int64]
    """`[R]`: the seat that deviates, or `NOBODY`."""


def _new_lines(capacity: int) -> Lines:
    return Lines(np.zeros((capacity, STATE), np.int64), np.zeros(capacity, np.int64))


def clairvoyant_gains(evaluator: Evaluator, deals: Deals) -> npt.NDArray[np.int64]:
    """Return how many points each seat gains by its best line of play, with all hands known.

    Args:
        evaluator: decides for the frozen players; with room for `priors.ROWS` rows.
        deals: rounds outside games, all of one size.

    Returns:
        `[rounds, seats]`, at least 0.

    Raises:
        ValueError: the rounds have more than `MOST_CARDS` cards.
    """
    players, cards = deals.plan[0, :2].tolist()
    if cards > MOST_CARDS:
        raise ValueError(
            f"a clairvoyant seat is enumerated in rounds of up to {MOST_CARDS} cards, not {cards}"
        )
    # All lines of the seats of one deal, at the same depth.
    capacity = players * (cards + 1) * int(np.prod(np.arange(1, cards + 1))) + 1
    buffers = _new_lines(capacity), _new_lines(capacity)
    pending = np.zeros((_PENDING, STATE), np.int64)
    return np.stack(
        [
            _gains_in(evaluator, deals.plan[number], deals.deck[number], buffers, pending)
            for number in range(len(deals))
        ]
    )


def _gains_in(
    evaluator: Evaluator,
    plan: npt.NDArray[np.int64],
    deck: npt.NDArray[np.int64],
    buffers: tuple[Lines, Lines],
    pending: State,
) -> npt.NDArray[np.int64]:
    """Return the gain of each seat in one deal, `[players]`."""
    now, after = buffers
    best, undisturbed = np.zeros((2, MAX_PLAYERS), np.int64)
    count = _begin(plan, deck, now, best, undisturbed, pending)
    while count > 0:
        written = 0
        for begin in range(0, count, ROWS):
            end = min(begin + ROWS, count)
            priors = evaluator.priors(now.state[begin:end])
            written = _go_on(now, begin, priors, after, written, best, undisturbed, pending)
        now, after, count = after, now, written
    gains: npt.NDArray[np.int64] = (best - undisturbed)[: plan[0]]
    return gains


@kernel
def _begin(
    plan: npt.NDArray[np.int64],
    deck: npt.NDArray[np.int64],
    lines: Lines,
    best: npt.NDArray[np.int64],
    undisturbed: npt.NDArray[np.int64],
    pending: State,
) -> int:
    """Write the first lines: one in which nobody deviates, and those of each seat."""
    written = 0
    for deviator in range(NOBODY, plan[0]):
        deal_into(pending[0], plan[0], plan[1], plan[2], plan[3], deck)
        written = _follow(pending, deviator, lines, written, best, undisturbed)
    return written


@kernel
def _go_on(
    lines: Lines,
    begin: int,
    priors: Priors,
    after: Lines,
    written: int,
    best: npt.NDArray[np.int64],
    undisturbed: npt.NDArray[np.int64],
    pending: State,
) -> int:
    """Take the network's choice in each line from `begin`; return the lines in `after`."""
    legal = np.empty(MAX_LEGAL, np.int64)
    for row in range(len(priors)):
        state = lines.state[begin + row]
        count = legal_actions(state, legal)
        copy_row(state, pending[0])
        apply(pending[0], legal[first_largest(priors[row], count)])
        deviator = lines.deviator[begin + row]
        written = _follow(pending, deviator, after, written, best, undisturbed)
    return written


@kernel
def _follow(
    pending: State,
    deviator: int,
    lines: Lines,
    written: int,
    best: npt.NDArray[np.int64],
    undisturbed: npt.NDArray[np.int64],
) -> int:
    """Follow the position `pending[0]`, by each action where the deviator chooses.

    Lines that reach a choice of the network are written to `lines` from `written`, lines that end
    to `best` or `undisturbed`. Returns the number of lines written.
    """
    legal = np.empty(MAX_LEGAL, np.int64)
    waiting = 1
    while waiting > 0:
        waiting -= 1
        state = pending[waiting]
        play_forced(state)
        if is_over(state):
            if deviator == NOBODY:
                for seat in range(state[PLAYERS]):
                    undisturbed[seat] = points(state, seat)
            else:
                best[deviator] = max(best[deviator], points(state, deviator))
        elif state[SEAT] != deviator:
            copy_row(state, lines.state[written])
            lines.deviator[written] = deviator
            written += 1
        else:
            count = legal_actions(state, legal)
            # Backwards: the last child overwrites the position itself, which the others need.
            for edge in range(count - 1, -1, -1):
                child = pending[waiting + edge]
                if edge > 0:
                    copy_row(state, child)
                apply(child, legal[edge])
            waiting += count
    return written
