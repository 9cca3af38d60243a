"""Infers from the finished rounds of a game who holds its seats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from blobmaster.agents.opponent_types import add_type_likelihoods, new_types
from blobmaster.config.belief import USUAL_SHARE, BeliefSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.opponents import (
    BY_NETWORK,
    FIRST_STYLE,
    KINDS,
    KNOWN,
    NO_OPPONENTS,
    RANDOM,
    pack_opponents,
)
from blobmaster.game.rules import OPPONENTS, PLAYERS, SEAT, STATE, State
from blobmaster.game.styles import TRAINING_STYLES, VARIED_STYLES, Style
from blobmaster.inference.evaluator import Evaluator
from blobmaster.search.weighted_worlds import list_past_choices, new_rows

ROWS = 256
"""Rows of a batch, enough for the choices of a whole round; the evaluator needs room for them."""

NOBODY = -1
"""The acting seat of a finished round: no seat's choices are left out as its own."""

MARGIN = 1.0
"""A type explains a seat if what it did is more probable than at random, by e to this power.
Without it, zero bidders were taken for random players, and the network lost 0.35 points a round."""

_KEPT = 2048
"""Rounds whose likelihoods are kept, 4.6 kB each: every decision of a game asks for all its earlier
rounds. Enough for 50 games of 40 rounds at once; an evaluation plays 20."""


class SeatBeliefs:
    """Believes by Bayes' rule who holds each seat; an instance belongs to one thread."""

    def __init__(self, evaluator: Evaluator, uniform: float = BeliefSettings().uniform) -> None:
        """Args:
        evaluator: of the network whose copies may hold seats; with room for `ROWS` rows.
        uniform: share of uniformly random play in the policy of these copies.
        """
        self._evaluator = evaluator
        self._uniform = uniform
        self._rows = new_rows(ROWS)
        self._types = new_types(1, USUAL_SHARE)
        self._likelihood_of = lru_cache(_KEPT)(self._likelihood_of_round)

    def log_likelihood(self, ends: State) -> npt.NDArray[np.float64]:
        """Return `[MAX_PLAYERS, KINDS]`: the log probability of all that a seat did, by type.

        Args:
            ends: `[R, STATE]`, the ends of rounds; everybody has seen all their cards.
        """
        total = np.zeros((MAX_PLAYERS, KINDS))
        for end in ends:
            total += self._likelihood_of(end.tobytes())
        return total

    def marked(self, states: State, earlier: Sequence[State]) -> State:
        """Return states in which `OPPONENTS` says who holds the other seats.

        Every seat gets its most probable type: the network has learned with types, not with
        probabilities. A seat that no type explains better than random play gets none, and if there
        are only such seats beside the network's copies, the table stays unknown.

        Args:
            states: `[rows, STATE]`.
            earlier: for each row the ends of its game's earlier rounds; without any, nothing is
                known.
        """
        copies = states.copy()
        for state, ends in zip(copies, earlier, strict=True):
            state[OPPONENTS] = self._believed(state, ends) if len(ends) > 0 else NO_OPPONENTS
        return copies

    def style_at(self, seat: int, ends: State) -> Style | None:
        """Return the style in which a seat has most probably played.

        Args:
            seat: any seat.
            ends: see `log_likelihood`.

        Returns:
            None if the seat more probably plays like the network, or no better than at random.
        """
        kinds, explained = self._most_probable(ends)
        if not explained[seat] or kinds[seat] < FIRST_STYLE:
            return None
        return (*TRAINING_STYLES, *VARIED_STYLES)[kinds[seat] - FIRST_STYLE]

    def _most_probable(self, ends: State) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return each seat's most probable type, and whether it explains what the seat did."""
        likelihood = self.log_likelihood(ends)
        kinds = (self._types.log_prior + likelihood).argmax(axis=1)
        best = likelihood[np.arange(MAX_PLAYERS), kinds]
        return kinds, best > likelihood[:, RANDOM] + MARGIN

    def _believed(self, state: State, ends: State) -> int:
        kinds, explained = self._most_probable(ends)
        seats = np.arange(MAX_PLAYERS)
        others = (seats < state[PLAYERS]) & (seats != state[SEAT])
        is_seated = others & explained & (kinds != BY_NETWORK)
        if not is_seated.any() and not explained[others].all():
            return NO_OPPONENTS
        return KNOWN | int(pack_opponents(is_seated[None], kinds[None])[0])

    def _likelihood_of_round(self, end: bytes) -> npt.NDArray[np.float64]:
        world = np.frombuffer(end, np.int64).reshape(1, STATE).copy()
        world[0, SEAT], world[0, OPPONENTS] = NOBODY, NO_OPPONENTS
        self._types.log_likelihood.fill(0.0)
        _, count = list_past_choices(world, 0, self._rows)
        if count > 0:
            priors = self._evaluator.priors(self._rows.state[:count])
            add_type_likelihoods(priors, self._rows, self._uniform, self._types)
        return self._types.log_likelihood[0].copy()
