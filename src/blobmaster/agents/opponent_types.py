"""Beliefs about who holds each other seat: the network, a random player, or a rule player.

Type-based opponent modelling (Albrecht and Stone 2018, "Autonomous Agents Modelling Other Agents",
arXiv 1709.08071, section 4.2): a seat is of one of a few types, and its choices tell by Bayes' rule
which. The types are the kinds of opponents in self-play (`blobmaster.game.opponents`), so the
critic has learned what a deal is worth beside each of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import (
    BY_NETWORK,
    FIRST_STYLE,
    KINDS,
    NO_OPPONENTS,
    RANDOM,
    style_of,
    with_opponent,
)
from blobmaster.game.rules import OPPONENTS, PLAYERS, SEAT, State
from blobmaster.game.styles import STYLES
from blobmaster.kernels.compile import inner_kernel, kernel
from blobmaster.kernels.rng import Stream, uniform
from blobmaster.search.tree import Priors
from blobmaster.search.weighted_worlds import Rows
from blobmaster.styles.rules import write_style_chances

STRAY = 0.2
"""Share of uniformly random play that is mixed into every style: a person only resembles one."""


class Types(NamedTuple):
    """Beliefs in N worlds of one decision. `BY_NETWORK` stands for the network itself."""

    log_prior: npt.NDArray[np.float64]
    """`[KINDS]`: the log probability of each type before a seat has chosen anything."""
    log_likelihood: npt.NDArray[np.float64]
    """`[N, MAX_PLAYERS, KINDS]`: the log probability of a seat's choices, by type."""
    unlike: npt.NDArray[np.float64]
    """`[N]`: the probability that another seat is not the network; the mean over the seats."""
    chances: npt.NDArray[np.float64]
    """`[KINDS]`: scratch."""
    by_style: npt.NDArray[np.float64]
    """`[len(STYLES)]`: scratch."""


def new_types(worlds: int, share: float) -> Types:
    """Allocate for so many worlds.

    Args:
        worlds: the number of worlds.
        share: the probability that a seat is not the network, above 0 and below 1; spread evenly
            over the other types.
    """
    prior = np.full(KINDS, share / (KINDS - 1))
    prior[BY_NETWORK] = 1.0 - share
    return Types(
        log_prior=np.log(prior),
        log_likelihood=np.zeros((worlds, MAX_PLAYERS, KINDS)),
        unlike=np.zeros(worlds),
        chances=np.zeros(KINDS),
        by_style=np.zeros(len(STYLES)),
    )


@kernel
def add_type_likelihoods(priors: Priors, rows: Rows, uniform_share: float, types: Types) -> None:
    """Add the log probability of each listed choice, by every type.

    Args:
        priors: `[rows, MAX_LEGAL]`: the network's policy at the listed choices.
        rows: from `list_past_choices`.
        uniform_share: share of uniform play that is mixed into the network's policy.
        types: changed in place.
    """
    for row in range(len(priors)):
        state, choices = rows.state[row], rows.choices[row]
        logs = types.log_likelihood[rows.world[row], state[SEAT]]
        chance = (1.0 - uniform_share) * priors[row, rows.edge[row]] + uniform_share / choices
        logs[BY_NETWORK] += np.log(chance)
        logs[RANDOM] -= np.log(choices)
        write_style_chances(state, rows.action[row], types.by_style)
        for kind in range(FIRST_STYLE, KINDS):
            chance = types.by_style[style_of(kind)]
            logs[kind] += np.log((1.0 - STRAY) * chance + STRAY / choices)


@kernel
def draw_types(
    types: Types, stream: Stream, worlds: State, log_evidence: npt.NDArray[np.float64]
) -> None:
    """Draw every other seat's type in each world, given what it did there.

    Args:
        types: `unlike` is overwritten.
        stream: draws the types.
        worlds: `[N, STATE]`: `OPPONENTS` is overwritten, so the critic judges each world as one
            with these players.
        log_evidence: overwritten, `[N]`: the log probability of all choices in each world.
    """
    # One draw a world, not a sum over all types: seven seats of 64 types have too many tables. The
    # mean over worlds is right all the same, since the draws follow the posterior.
    for number in range(len(worlds)):
        world = worlds[number]
        world[OPPONENTS] = NO_OPPONENTS
        log_evidence[number] = 0.0
        types.unlike[number] = 0.0
        for seat in range(world[PLAYERS]):
            if seat == world[SEAT]:
                continue
            log_evidence[number] += _write_posterior(types, number, seat)
            unlike = 1.0 - types.chances[BY_NETWORK]
            types.unlike[number] += unlike / (world[PLAYERS] - 1)
            kind = _draw_kind(types.chances, stream)
            if kind != BY_NETWORK:
                world[OPPONENTS] = with_opponent(world[OPPONENTS], seat, kind)


@inner_kernel
def _write_posterior(types: Types, number: int, seat: int) -> float:
    """Write the seat's types into `chances`; return the log probability of its choices."""
    logs = types.log_likelihood[number, seat]
    highest = -np.inf
    for kind in range(KINDS):
        highest = max(highest, types.log_prior[kind] + logs[kind])
    total = 0.0
    for kind in range(KINDS):
        # Relative to the highest: the product of many probabilities may vanish.
        types.chances[kind] = np.exp(types.log_prior[kind] + logs[kind] - highest)
        total += types.chances[kind]
    for kind in range(KINDS):
        types.chances[kind] /= total
    return highest + np.log(total)


@inner_kernel
def _draw_kind(chances: npt.NDArray[np.float64], stream: Stream) -> int:
    left = uniform(stream)
    for kind in range(KINDS):
        left -= chances[kind]
        if left < 0.0:
            return kind
    return BY_NETWORK  # rounding errors may leave a rest
