"""Whole searches for tests: side by side until all are done."""

from __future__ import annotations

import numpy as np
from evaluators import UniformEvaluator

from blobmaster.config.search import SearchSettings
from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.rules import HANDS, SEAT, STATE
from blobmaster.kernels.rng import stream
from blobmaster.search.batch import Search, new_requests, new_search, requested_states
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_action,
    root_statistics,
)

PUBLIC = [field for field in range(STATE) if not HANDS <= field < HANDS + MAX_PLAYERS]


class WatchfulEvaluator(UniformEvaluator):
    """Values that depend on everything that the acting seat sees, most of all its own hand."""

    def values(self, states: np.ndarray) -> np.ndarray:
        values = super().values(states)
        for row, state in enumerate(states):
            seen = int(state[HANDS + state[SEAT]]) + int(state[PUBLIC].sum())
            values[row] = (seen + np.arange(MAX_PLAYERS) * 5) % 11 / 10
        return values


def search_all(
    states: list[np.ndarray],
    settings: SearchSettings,
    evaluator: UniformEvaluator,
    *,
    explore: bool = False,
    seed: int = 1,
) -> Search:
    """Search every state, in lock-step, until all searches are done."""
    search = new_search(len(states), settings)
    requests = new_requests(len(states), settings)
    streams = [stream(seed, "search", lane) for lane in range(len(states))]
    for lane, state in enumerate(states):
        begin_search(search, lane, state, search.simulations, explore, streams[lane])
    busy = list(range(len(states)))
    while busy:
        requests.rows[:] = 0
        for lane in busy:
            request_evaluations(search, lane, requests)
        priors, values = evaluator.evaluate(*requested_states(requests))
        busy = [s for s in busy if not advance_search(search, s, priors, values, streams[s])]
    return search


def visits_of(search: Search, lane: int = 0) -> dict[int, int]:
    """Return the root's visits by action."""
    roots = root_statistics(search, lane)
    return {int(root_action(search, lane, e)): int(roots.visits[e]) for e in range(roots.edges)}
