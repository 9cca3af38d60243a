"""The player that looks one step ahead in worlds weighted by the other seats' bids and plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Actions, Streams
from blobmaster.agents.opponent_types import Types, add_type_likelihoods, draw_types, new_types
from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.config.belief import BeliefSettings
from blobmaster.game.rules import LONGEST, MAX_LEGAL, SEAT, STATE, State, legal_actions
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.rng import Stream
from blobmaster.search.determinization import new_table
from blobmaster.search.weighted_worlds import (
    Found,
    add_log_likelihoods,
    bid_likeliest,
    draw_worlds,
    is_bidding_anywhere,
    list_past_choices,
    list_successors_in,
    new_found,
    new_rows,
    play_likeliest,
    write_chances,
    write_values,
)
from blobmaster.search.win_shares import expected_points, win_shares

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
    win: npt.NDArray[np.float64] | None
    """`[A]`: the acting seat's expected share of the win, where the lookahead is for the win."""
    score: npt.NDArray[np.float64]
    """`[A]`: `log prior + step × value`, or with `win` over the round's stake for `value`; the
    largest is taken."""
    effective: float
    """Effective number of worlds (Kish): 1 / Σ weight²."""
    unlike: float
    """The probability that another seat does not play like the network; the mean over the seats. 0
    without `styles`."""


class BeliefLookahead:
    """Looks ahead from one decision after another; an instance belongs to one thread."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: BeliefSettings,
        *,
        for_win: bool = False,
        adapts: bool = False,
    ) -> None:
        """Args:
        evaluator: with room for `ROWS` rows.
        settings: the worlds, and how they are used.
        for_win: maximize the share of the win in games; the evaluator's network sees games.
        adapts: see `blobmaster.agents.network.network_player`.
        """
        self._adapts = adapts
        self._for_win = for_win
        self._evaluator = evaluator
        self._settings = settings
        self._table = new_table()
        self._worlds = np.zeros((settings.worlds, STATE), np.int64)
        self._rows = new_rows(ROWS)
        self._found = new_found(min(settings.kept, settings.worlds))
        self._types = new_types(settings.worlds, settings.styles) if settings.styles > 0 else None
        self._seats = SeatBeliefs(evaluator, settings.uniform)

    def priors(self, states: State, earlier: Sequence[State]) -> npt.NDArray[np.float32]:
        """Return the network's policy at up to `ROWS` states, for `consider`.

        Args:
            states: `[rows, STATE]`.
            earlier: see `Remembering`.

        Returns:
            `[rows, MAX_LEGAL]`, a copy: the lookahead's own calls overwrite the evaluator's result.
        """
        seen = self._seats.marked(states, earlier) if self._adapts else states
        return self._evaluator.priors(seen).copy()

    def consider(
        self,
        state: State,
        draws: Stream,
        prior: npt.NDArray[np.float32],
        earlier: State | None = None,
    ) -> Considered:
        """Value the legal actions of `state` (`[STATE]`), of which hidden hands are not read.

        Args:
            state: at a choice.
            draws: draws the worlds.
            prior: `[MAX_LEGAL]`: the network's policy at `state`.
            earlier: `[R, STATE]`: the ends of the game's earlier rounds, in which everybody has
                seen all cards. With `styles` they tell who holds the seats.
        """
        draw_worlds(state, self._table, draws, self._worlds)
        weights = self._weights(draws, earlier)
        unlike = 0.0 if self._types is None else float(weights @ self._types.unlike)
        chosen = self._most_probable(weights)
        of_win = self._for_win and bool(state[LONGEST])
        seat = int(state[SEAT])
        found = self._results_in(chosen, seat, chances=of_win)
        legal = np.empty(MAX_LEGAL, np.int64)
        count = legal_actions(state, legal)
        share = weights[chosen] / weights[chosen].sum()
        own = prior[:count].astype(np.float64)
        win, stake = None, 1.0
        if of_win:
            bids, exact = found.bids[:, :count], found.exact[:, :count]
            shares, stake = win_shares(state, bids, exact, self._evaluator.standings)
            win = share @ shares
            value = share @ expected_points(bids[..., seat], exact[..., seat], state)
        else:
            value = share @ found.value[:, :count].astype(np.float64)
        improved = value if win is None else win / stake
        step = (1.0 - unlike) * self._settings.step + unlike * self._settings.style_step
        score = np.log(np.maximum(own, 1e-12)) + step * improved
        effective = float(1.0 / np.square(weights).sum())
        return Considered(legal[:count], own, value, win, score, effective, unlike)

    def _weights(self, draws: Stream, earlier: State | None) -> npt.NDArray[np.float64]:
        """Return each world's probability, given what the other seats did; sums to one.

        With `styles`, also draw who holds the other seats of each world.
        """
        logs, types = np.zeros(len(self._worlds)), self._types
        if types is not None:
            types.log_likelihood[:] = 0.0
            if earlier is not None:
                types.log_likelihood[:] = self._seats.log_likelihood(earlier)
        self._add_evidence(self._worlds, types, logs)
        if types is not None:
            draw_types(types, draws, self._worlds, logs)
        # Relative to the largest: products of forty probabilities may vanish.
        weights: npt.NDArray[np.float64] = np.exp(logs - logs.max())
        return weights / weights.sum()

    def _add_evidence(
        self, worlds: State, types: Types | None, logs: npt.NDArray[np.float64]
    ) -> None:
        """Add what the seats other than the acting one did to `types`, or without it to `logs`."""
        uniform, begin = self._settings.uniform, 0
        while begin < len(worlds):
            begin, count = list_past_choices(worlds, begin, self._rows)
            if count == 0:
                continue
            priors = self._evaluator.priors(self._rows.state[:count])
            if types is None:
                add_log_likelihoods(priors, self._rows, uniform, logs)
            else:
                add_type_likelihoods(priors, self._rows, uniform, types)

    def _most_probable(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the worlds that hold most of the weight, the most probable first."""
        # Stable, so that equal weights keep the order in which they were drawn.
        order = np.argsort(-weights, kind="stable")
        needed = int(np.searchsorted(np.cumsum(weights[order]), MASS)) + 1
        return order[: min(needed, self._settings.kept)]

    def _results_in(self, chosen: npt.NDArray[np.int64], seat: int, *, chances: bool) -> Found:
        """Return the results of each action in each chosen world.

        Args:
            chosen: `[K]`, numbers of worlds.
            seat: the seat that decides.
            chances: ask the critic for `bids` and `exact`, instead of for `value`.
        """
        kept = len(chosen)
        found = Found(self._found.value[:kept], self._found.bids[:kept], self._found.exact[:kept])
        rows, begin = self._rows, 0
        while begin < len(chosen):
            begin, count = list_successors_in(self._worlds, chosen, begin, rows, found)
            # The share of the win needs every seat's bid, which no critic foresees: the seats that
            # are still to bid do so first, each from its own hand in that world.
            while chances and is_bidding_anywhere(rows, count):
                priors = self._evaluator.priors(rows.state[:count])
                count = bid_likeliest(priors, rows, seat, found)
            if count > 0 and not self._settings.rollouts:
                if chances:
                    write_chances(*self._evaluator.chances(rows.state[:count]), rows, found)
                else:
                    write_values(self._evaluator.values(rows.state[:count]), rows, seat, found)
                continue
            while count > 0:
                priors = self._evaluator.priors(rows.state[:count])
                count = play_likeliest(priors, rows, seat, found)
        return found


class BeliefAgent:
    """Takes the action that the network's policy and the lookahead together find best."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: BeliefSettings,
        *,
        for_win: bool = False,
        adapts: bool = False,
    ) -> None:
        """Args: see `BeliefLookahead`."""
        self._lookahead = BeliefLookahead(evaluator, settings, for_win=for_win, adapts=adapts)

    def choose(self, states: State, streams: Streams) -> Actions:
        """See `Agent`."""
        return self.choose_after(states, streams, [states[:0]] * len(states))

    def choose_after(self, states: State, streams: Streams, earlier: Sequence[State]) -> Actions:
        """See `Remembering`."""
        actions = np.empty(len(states), np.int64)
        for begin in range(0, len(states), ROWS):
            batch = slice(begin, begin + ROWS)
            priors = self._lookahead.priors(states[batch], earlier[batch])
            for row, prior in enumerate(priors, start=begin):
                found = self._lookahead.consider(states[row], streams[row], prior, earlier[row])
                actions[row] = found.legal[int(np.argmax(found.score))]
        return actions
