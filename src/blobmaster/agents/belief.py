"""The player that looks one step ahead in worlds weighted by the other seats' bids and plays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Actions, Streams
from blobmaster.config.belief import BeliefSettings
from blobmaster.game.rules import MAX_LEGAL, SEAT, STATE, State, legal_actions
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.rng import Stream
from blobmaster.search.determinization import new_table
from blobmaster.search.weighted_worlds import (
    add_log_likelihoods,
    draw_worlds,
    list_past_choices,
    list_successors_in,
    new_rows,
    play_likeliest,
    write_values,
)

ROWS = 2048
"""Rows of a batch of the evaluator: enough for the matrix products, and little memory."""

MASS = 0.995
"""Share of the weight after which the less probable worlds are left out."""


class Considered(NamedTuple):
    """A decision and what the lookahead found; A legal actions."""

    legal: npt.NDArray[np.int64]
    """`[A]`: the legal actions."""
    prior: npt.NDArray[np.float64]
    """`[A]`: the network's policy; sums to one."""
    value: npt.NDArray[np.float64]
    """`[A]`: the acting seat's expected points, as a share of the most."""
    score: npt.NDArray[np.float64]
    """`[A]`: `log prior + step × value`; the largest is taken."""
    effective: float
    """Effective number of worlds (Kish): 1 / Σ weight²."""


class BeliefLookahead:
    """Looks ahead from one decision after another; an instance belongs to one thread."""

    def __init__(self, evaluator: Evaluator, settings: BeliefSettings) -> None:
        """Args:
        evaluator: with room for `ROWS` rows.
        settings: the worlds, and how they are used.
        """
        self._evaluator = evaluator
        self._settings = settings
        self._table = new_table()
        self._worlds = np.zeros((settings.worlds, STATE), np.int64)
        self._rows = new_rows(ROWS)
        self._values = np.zeros((min(settings.kept, settings.worlds), MAX_LEGAL), np.float32)

    def consider(self, state: State, draws: Stream, prior: npt.NDArray[np.float32]) -> Considered:
        """Value the legal actions of `state` (`[STATE]`), of which hidden hands are not read.

        Args:
            state: at a choice.
            draws: draws the worlds.
            prior: `[MAX_LEGAL]`: the network's policy at `state`.
        """
        draw_worlds(state, self._table, draws, self._worlds)
        weights = self._weights()
        chosen = self._most_probable(weights)
        values = self._values_in(chosen, int(state[SEAT]))
        legal = np.empty(MAX_LEGAL, np.int64)
        count = legal_actions(state, legal)
        share = weights[chosen] / weights[chosen].sum()
        value = share @ values[:, :count].astype(np.float64)
        own = prior[:count].astype(np.float64)
        score = np.log(np.maximum(own, 1e-12)) + self._settings.step * value
        effective = float(1.0 / np.square(weights).sum())
        return Considered(legal[:count], own, value, score, effective)

    def _weights(self) -> npt.NDArray[np.float64]:
        """Return each world's probability, given what the other seats did; sums to one."""
        logs = np.zeros(len(self._worlds))
        begin = 0
        while begin < len(self._worlds):
            begin, count = list_past_choices(self._worlds, begin, self._rows)
            if count > 0:
                priors = self._evaluator.priors(self._rows.state[:count])
                add_log_likelihoods(priors, self._rows, self._settings.uniform, logs)
        # Relative to the largest: products of forty probabilities may vanish.
        weights: npt.NDArray[np.float64] = np.exp(logs - logs.max())
        return weights / weights.sum()

    def _most_probable(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the worlds that hold most of the weight, the most probable first."""
        # Stable, so that equal weights keep the order in which they were drawn.
        order = np.argsort(-weights, kind="stable")
        needed = int(np.searchsorted(np.cumsum(weights[order]), MASS)) + 1
        return order[: min(needed, self._settings.kept)]

    def _values_in(self, chosen: npt.NDArray[np.int64], seat: int) -> npt.NDArray[np.float32]:
        """Return the value of each action in each chosen world, `[K, MAX_LEGAL]`."""
        values, rows = self._values[: len(chosen)], self._rows
        begin = 0
        while begin < len(chosen):
            begin, count = list_successors_in(self._worlds, chosen, begin, rows, values)
            if not self._settings.rollouts and count > 0:
                write_values(self._evaluator.values(rows.state[:count]), rows, seat, values)
                continue
            while count > 0:
                priors = self._evaluator.priors(rows.state[:count])
                count = play_likeliest(priors, rows, seat, values)
        return values


class BeliefAgent:
    """Takes the action that the network's policy and the lookahead together find best."""

    def __init__(self, evaluator: Evaluator, settings: BeliefSettings) -> None:
        """Args: see `BeliefLookahead`."""
        self._evaluator = evaluator
        self._lookahead = BeliefLookahead(evaluator, settings)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        actions = np.empty(len(states), np.int64)
        for begin in range(0, len(states), ROWS):
            # Copied: the lookahead's own calls overwrite the evaluator's result.
            priors = self._evaluator.priors(states[begin : begin + ROWS]).copy()
            for row, prior in enumerate(priors, start=begin):
                found = self._lookahead.consider(states[row], streams[row], prior)
                actions[row] = found.legal[int(np.argmax(found.score))]
        return actions
