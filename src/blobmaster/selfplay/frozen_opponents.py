"""An evaluator in which a frozen network holds the opponents' seats, as copies to be exploited."""

from __future__ import annotations

import numpy as np

from blobmaster.game.opponents import is_network_opponents_turn
from blobmaster.game.rules import MAX_LEGAL, State
from blobmaster.inference.compiled import Passes
from blobmaster.inference.evaluator import Bids, Evaluator, Priors, Values


class FrozenOpponents:
    """Evaluates decisions of network opponents by one network, and everything else by another."""

    def __init__(self, learner: Evaluator, frozen: Evaluator, capacity: int) -> None:
        """Args:
        learner: acts at the seats that learn, and judges all positions.
        frozen: acts at the seats of network opponents.
        capacity: the most rows of a call; both evaluators have room for them.
        """
        self._learner = learner
        self._frozen = frozen
        self._priors = np.zeros((capacity, MAX_LEGAL), np.float32)

    def priors(self, states: State) -> Priors:
        """See `Evaluator`."""
        priors = self._priors[: len(states)]
        is_frozen = is_network_opponents_turn(states)
        for evaluator, rows in ((self._learner, ~is_frozen), (self._frozen, is_frozen)):
            if rows.any():
                priors[rows] = evaluator.priors(states[rows])
        return priors

    def values(self, states: State) -> Values:
        """See `Evaluator`."""
        return self._learner.values(states)

    def evaluate(self, acting: State, judged: State) -> tuple[Priors, Values]:
        """See `Evaluator`."""
        return self.priors(acting), self.values(judged)

    def passes(self, acts: int, judges: int) -> Passes | None:  # noqa: ARG002 (whatever the sizes)
        """Return None: compiled code knows one network only, so a block steps from Python."""
        return None

    def chances(self, states: State) -> tuple[Bids, Values]:
        """See `Evaluator`."""
        return self._learner.chances(states)

    def standings(self, states: State) -> Values:
        """See `Evaluator`."""
        return self._learner.standings(states)
