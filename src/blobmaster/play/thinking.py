"""How the networks choose, and what one would do in the person's place: a search from one seat's
view, out of which the other hands have been taken beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Agent
from blobmaster.config.search import SearchSettings
from blobmaster.game.rules import (
    DEALT,
    FIRST_BID,
    SEAT,
    State,
    apply,
    is_over,
    only_action,
    play_forced,
)
from blobmaster.game.scoring import most_points, points
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.rng import Stream, stream
from blobmaster.play.game import Game, legal_of, seen_from, state_of
from blobmaster.search.batch import (
    new_requests,
    new_search,
    requested_states,
)
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_choice,
    root_statistics,
)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One legal action, as the search found it."""

    action: int
    share: float
    """Of the search's visits; the network takes the action that has most, unless it chooses at the
    root by halving."""
    points: float
    """What the seat expects to make in this round."""
    is_tried: bool
    """Whether the search went there; else `points` is the network's guess right after it."""
    prior: float
    """What the network gives the action before any search; all sum to one."""

    @property
    def is_bid(self) -> bool:
        return self.action >= FIRST_BID


@dataclass(frozen=True)
class Advice:
    """What the network would do at a decision."""

    decision: tuple[int, int]
    """As `Game.decision`."""
    search: SearchSettings
    options: tuple[Option, ...]
    """Every legal action, the one that the network would take first."""


def choose(agent: Agent, game: Game) -> int:
    """What `agent` does in the place of the seat to act; a forced move is not thought about."""
    state = state_of(game)
    forced = int(only_action(state))
    if forced >= 0:
        return forced
    draws = stream(game.setup.seed, "table opponent", *game.decision)
    return int(agent.choose(_seen(state)[None], draws[None])[0])


def advise(adviser: Adviser, game: Game) -> Advice:
    """What to do at the real choice that comes next, in the place of the seat to act."""
    draws = stream(game.setup.seed, "table advice", *game.decision)
    return Advice(game.decision, adviser.settings, adviser.weigh(state_of(game), draws))


def _seen(state: State) -> State:
    return seen_from(state, int(state[SEAT]))


class Adviser:
    """Searches a decision and tells what it found; it belongs to one thread."""

    def __init__(self, evaluator: Evaluator, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for as many rows as the search has trees.
        settings: of the search.
        """
        self.settings = settings
        self._evaluator = evaluator
        self._search = new_search(1, settings)
        self._requests = new_requests(1, settings)

    def weigh(self, state: State, draws: Stream) -> tuple[Option, ...]:
        """The legal actions of the seat to act, from its own view, the best first.

        Args:
            state: `[STATE]`, at a real choice. Other hands may be in it; they are not looked at.
            draws: what the worlds are drawn from.
        """
        seen = _seen(state)
        self._run(seen, draws)
        legal, scale = legal_of(seen), most_points(int(seen[DEALT]))
        roots = root_statistics(self._search, 0)
        options = []
        for edge, action in enumerate(legal):
            is_tried = bool(roots.visits[edge])
            value = float(roots.value[edge]) if is_tried else self._guess(seen, action)
            option = Option(
                action=action,
                share=float(roots.visits[edge] / roots.visits.sum()),
                points=scale * value,
                is_tried=is_tried,
                prior=float(self._search.trees.prior[0, 0, edge]),
            )
            options.append(option)
        taken = legal[root_choice(self._search, 0)]
        return tuple(sorted(options, key=lambda o: (o.action != taken, -o.share, o.action)))

    def _run(self, state: State, draws: Stream) -> None:
        """Search the decision to its end."""
        begin_search(self._search, 0, state, self._search.simulations, False, draws)
        done = False
        while not done:
            self._requests.rows[:] = 0
            request_evaluations(self._search, 0, self._requests)
            priors, values = self._evaluator.answer(*requested_states(self._requests))
            done = advance_search(self._search, 0, priors, values, draws)

    def _guess(self, state: State, action: int) -> float:
        """The seat's value right after an action, a mean over the search's worlds."""
        seat = state[SEAT]
        rows = self._requests.critic
        known = np.empty(len(rows))
        waiting = _after(self._search.trees.world, action, seat, rows, known)
        if waiting > 0:
            known[:waiting] = self._evaluator.values(rows[:waiting])[:, seat]
        return float(known.mean())


def _after(
    worlds: State, action: int, seat: int, rows: State, known: npt.NDArray[np.float64]
) -> int:
    """Take `action` in each world, and what is forced after it.

    Rounds that are over then leave their value at the end of `known`, the others their state at
    the start of `rows`; returns how many those are.
    """
    waiting, over = 0, 0
    for world in worlds:
        state = world.copy()
        apply(state, action)
        play_forced(state)
        if is_over(state):
            over += 1
            known[-over] = points(state, seat) / most_points(state[DEALT])
        else:
            rows[waiting] = state
            waiting += 1
    return waiting
