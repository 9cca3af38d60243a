"""Sampled worlds, weighted by how probable they make the other seats' bids and plays.

`blobmaster.search.determinization` samples uniformly from the worlds that are possible. How likely
one of them is depends on what the other seats did: by Bayes' rule, its weight is the product of the
probabilities that a policy gives to each of their choices, with the hands that they hold in that
world (Solinas, Rebstock and Buro 2019, "Improving Search with Supervised Learning in Trick-Based
Card Games", arXiv 1903.09604).

Kernels here fill a batch of fixed size, as far as it reaches, and return where to go on: the
number of past choices differs from world to world.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import (
    ACTIONS,
    BIDS,
    DEALT,
    FIRST_BID,
    MAX_LEGAL,
    PLAYERS,
    SEAT,
    STATE,
    TRICKS,
    State,
    apply,
    card_played,
    is_bidding,
    is_over,
    legal_actions,
    play_forced,
    rewind,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.kernels.arrays import copy_row, first_largest
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream
from blobmaster.search.determinization import WorldTable, prepare_worlds, sample_world
from blobmaster.search.tree import Priors, Values


class Rows(NamedTuple):
    """A batch of states to evaluate, and where each one belongs; capacity R."""

    state: State
    """`[R, STATE]`."""
    world: npt.NDArray[np.int64]
    """`[R]`: the number of its world."""
    edge: npt.NDArray[np.int64]
    """`[R]`: an index into the legal actions."""
    action: npt.NDArray[np.int64]
    """`[R]`: the action that was taken."""
    choices: npt.NDArray[np.int64]
    """`[R]`: the number of legal actions."""
    scratch: State
    """`[STATE]`."""
    legal: npt.NDArray[np.int64]
    """`[MAX_LEGAL]`: scratch for legal actions."""


def new_rows(capacity: int) -> Rows:
    """Allocate a batch."""
    return Rows(
        state=np.zeros((capacity, STATE), np.int64),
        world=np.zeros(capacity, np.int64),
        edge=np.zeros(capacity, np.int64),
        action=np.zeros(capacity, np.int64),
        choices=np.zeros(capacity, np.int64),
        scratch=np.zeros(STATE, np.int64),
        legal=np.zeros(MAX_LEGAL, np.int64),
    )


class Found(NamedTuple):
    """Results of a decision's actions; K worlds, A = `MAX_LEGAL` actions."""

    value: Values
    """`[K, A]`: the deciding seat's expected points, as a share of the most."""
    bids: npt.NDArray[np.int64]
    """`[K, A, MAX_PLAYERS]`: each seat's bid."""
    exact: npt.NDArray[np.float32]
    """`[K, A, MAX_PLAYERS]`: the probability that this bid is made exactly."""


def new_found(worlds: int) -> Found:
    """Allocate for so many worlds."""
    return Found(
        value=np.zeros((worlds, MAX_LEGAL), np.float32),
        bids=np.zeros((worlds, MAX_LEGAL, MAX_PLAYERS), np.int64),
        exact=np.zeros((worlds, MAX_LEGAL, MAX_PLAYERS), np.float32),
    )


@kernel
def draw_worlds(state: State, table: WorldTable, stream: Stream, worlds: State) -> None:
    """Fill `worlds` (`[N, STATE]`) with deals that are possible for the acting seat of `state`.

    The hidden hands of `state` are not read.
    """
    observer = state[SEAT]
    prepare_worlds(state, observer, table)
    for number in range(len(worlds)):
        sample_world(state, observer, table, stream, worlds[number])


@kernel
def list_past_choices(worlds: State, begin: int, rows: Rows) -> tuple[int, int]:
    """List the other seats' earlier choices, with the hands that each world gives them.

    Args:
        worlds: `[N, STATE]`, worlds of one decision.
        begin: the first world to list.
        rows: overwritten: the states of the choices; `edge` is the action that was taken.

    Returns:
        The world after the last one listed, and the number of rows.
    """
    written = 0
    most = worlds[0, ACTIONS]
    for number in range(begin, len(worlds)):
        # A world is listed as a whole: its replay starts at the deal.
        if written + most > len(rows.world):
            return number, written
        written = _list_choices_of(worlds[number], number, rows, written)
    return len(worlds), written


@inner_kernel
def _list_choices_of(world: State, number: int, rows: Rows, written: int) -> int:
    state = rows.scratch
    rewind(world, state)
    for done in range(world[ACTIONS]):
        if done < world[PLAYERS]:
            action = FIRST_BID + world[BIDS + state[SEAT]]
        else:
            action = card_played(world, done - world[PLAYERS])
        # What the observer did itself does not depend on the hidden hands.
        if state[SEAT] != world[SEAT]:
            count = legal_actions(state, rows.legal)
            # A forced action has probability 1 in every policy.
            if count > 1:
                copy_row(state, rows.state[written])
                rows.world[written] = number
                rows.choices[written] = count
                rows.action[written] = action
                for edge in range(count):
                    if rows.legal[edge] == action:
                        rows.edge[written] = edge
                written += 1
        apply(state, action)
    return written


@kernel
def add_log_likelihoods(
    priors: Priors, rows: Rows, uniform: float, logs: npt.NDArray[np.float64]
) -> None:
    """Add the log probability of each listed choice to its world's sum in `logs` (`[N]`).

    Args:
        priors: `[rows, MAX_LEGAL]`: the policy at the listed choices.
        rows: from `list_past_choices`.
        uniform: share of uniform play that is mixed into the policy. Without it, one surprising
            choice would rule out nearly all worlds, the true one too.
        logs: changed in place.
    """
    for row in range(len(priors)):
        chance = (1.0 - uniform) * priors[row, rows.edge[row]] + uniform / rows.choices[row]
        logs[rows.world[row]] += np.log(chance)


@kernel
def list_successors_in(
    worlds: State, chosen: npt.NDArray[np.int64], begin: int, rows: Rows, found: Found
) -> tuple[int, int]:
    """List what follows each legal action of the decision, in the chosen worlds.

    Args:
        worlds: `[N, STATE]`, worlds of one decision.
        chosen: `[K]`: numbers of worlds.
        begin: the first of the chosen worlds to list.
        rows: overwritten: states at the next choice. `world` is an index into `chosen`.
        found: gets the results of actions that end the round.

    Returns:
        The chosen world after the last one listed, and the number of rows.
    """
    written = 0
    for number in range(begin, len(chosen)):
        world = worlds[chosen[number]]
        count = legal_actions(world, rows.legal)
        if written + count > len(rows.world):
            return number, written
        for edge in range(count):
            child = rows.state[written]
            copy_row(world, child)
            apply(child, rows.legal[edge])
            # The network has learned from real choices only.
            play_forced(child)
            if is_over(child):
                _write_result(child, world[SEAT], number, edge, found)
            else:
                rows.world[written] = number
                rows.edge[written] = edge
                written += 1
    return len(chosen), written


@kernel
def write_values(critic: Values, rows: Rows, seat: int, found: Found) -> None:
    """Write the critic's value for `seat` of each listed successor."""
    for row in range(len(critic)):
        found.value[rows.world[row], rows.edge[row]] = critic[row, seat]


@kernel
def write_chances(bids: npt.NDArray[np.int64], exact: Values, rows: Rows, found: Found) -> None:
    """Write the critic's chances (`Evaluator.chances`) of each listed successor."""
    for row in range(len(bids)):
        copy_row(bids[row], found.bids[rows.world[row], rows.edge[row]])
        copy_row(exact[row], found.exact[rows.world[row], rows.edge[row]])


@kernel
def play_likeliest(priors: Priors, rows: Rows, seat: int, found: Found) -> int:
    """Take the most likely action at each row, and the forced ones after it.

    Rows of finished rounds write their results and leave the batch.

    Args:
        priors: `[rows, MAX_LEGAL]`, of the first rows.
        rows: changed in place.
        seat: the seat that decides.
        found: gets the results of finished rounds.

    Returns:
        The number of rows left.
    """
    return _take_likeliest(priors, rows, seat, found, False)


@kernel
def bid_likeliest(priors: Priors, rows: Rows, seat: int, found: Found) -> int:
    """Do as `play_likeliest` at the rows where a seat has yet to bid; the others stay."""
    return _take_likeliest(priors, rows, seat, found, True)


@kernel
def is_bidding_anywhere(rows: Rows, count: int) -> bool:
    """Return True if a seat has yet to bid at one of the first `count` rows."""
    found = False
    for row in range(count):
        found = found or is_bidding(rows.state[row])
    return found


@inner_kernel
def _take_likeliest(priors: Priors, rows: Rows, seat: int, found: Found, only_bids: bool) -> int:
    left = 0
    for row in range(len(priors)):
        state = rows.state[row]
        if is_bidding(state) or not only_bids:
            count = legal_actions(state, rows.legal)
            apply(state, rows.legal[first_largest(priors[row], count)])
            play_forced(state)
        world, edge = rows.world[row], rows.edge[row]
        if is_over(state):
            _write_result(state, seat, world, edge, found)
        else:
            # Moved up within the batch: a row never overtakes one that is still to be read.
            if left != row:
                copy_row(state, rows.state[left])
            rows.world[left] = world
            rows.edge[left] = edge
            left += 1
    return left


@inner_kernel
def _write_result(over: State, seat: int, world: int, edge: int, found: Found) -> None:
    found.value[world, edge] = points(over, seat) / most_points(over[DEALT])
    for other in range(over[PLAYERS]):
        bid = over[BIDS + other]
        found.bids[world, edge, other] = bid
        found.exact[world, edge, other] = 1.0 if over[TRICKS + other] == bid else 0.0
