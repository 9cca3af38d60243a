"""The choices of the networks, their advice to the person, and how they see the person.

Choices and advice start from a state without the hidden hands, so neither can cheat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from blobmaster.agents.base import Agent, Remembering
from blobmaster.agents.belief import BeliefLookahead
from blobmaster.agents.seat_beliefs import SeatBeliefs
from blobmaster.config.belief import BeliefSettings
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
from blobmaster.game.styles import Style
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.rng import Stream, stream
from blobmaster.play.game import Game, ends_of, hide_other_hands, legal_actions_of, state_of
from blobmaster.search.batch import new_requests, new_search, requested_states
from blobmaster.search.mcts import (
    advance_search,
    begin_search,
    request_evaluations,
    root_choice,
    root_statistics,
)


@dataclass(frozen=True, kw_only=True)
class Option:
    """A legal action with what the search found."""

    action: int
    share: float
    """Share of the search's visits, or the probability in the improved policy of a belief-weighted
    lookahead. The network takes the action with the largest share, unless it uses sequential
    halving at the root."""
    points: float
    """Expected points of the seat in this round."""
    is_visited: bool
    """True if the search visited the action; else `points` is the critic's value right after it."""
    prior: float
    """The network's prior of the action; the priors of all options sum to one."""
    win: float | None = None
    """The seat's expected share of the win, where the lookahead is for the win."""

    @property
    def is_bid(self) -> bool:
        return self.action >= FIRST_BID


@dataclass(frozen=True)
class Advice:
    """The network's evaluation of a decision."""

    decision: tuple[int, int]
    """See `Game.decision`."""
    search: SearchSettings | BeliefSettings
    options: tuple[Option, ...]
    """All legal actions; the first is the one that the network would take."""


def choose_action(agent: Agent, game: Game) -> int:
    """Return the action of `agent` for the seat to act; a forced one is returned without asking."""
    state = state_of(game)
    forced = int(only_action(state))
    if forced >= 0:
        return forced
    draws = stream(game.setup.seed, "table opponent", *game.decision)
    if isinstance(agent, Remembering):
        return int(agent.choose_after(_seen(state)[None], draws[None], [ends_of(game)])[0])
    return int(agent.choose(_seen(state)[None], draws[None])[0])


def advise(adviser: Adviser, game: Game) -> Advice:
    """Evaluate the next decision for the seat to act; it has at least two legal actions."""
    draws = stream(game.setup.seed, "table advice", *game.decision)
    options = adviser.evaluate_options(state_of(game), draws, ends_of(game))
    return Advice(game.decision, adviser.settings, options)


def find_style(beliefs: SeatBeliefs | None, game: Game) -> Style | None:
    """Return the style in which the networks believe that the person plays.

    Args:
        beliefs: None if the networks do not adapt.
        game: its finished rounds tell.

    Returns:
        None if the person plays like the network, or like nobody that it knows.
    """
    ends = ends_of(game)
    if beliefs is None or len(ends) == 0:
        return None
    return beliefs.style_at(game.setup.seat, ends)


def _seen(state: State) -> State:
    return hide_other_hands(state, int(state[SEAT]))


class Adviser(Protocol):
    """Reports on decisions; an instance belongs to one thread."""

    @property
    def settings(self) -> SearchSettings | BeliefSettings:
        """The settings of the search."""
        ...

    def evaluate_options(self, state: State, draws: Stream, earlier: State) -> tuple[Option, ...]:
        """Return the acting seat's legal actions, best first.

        Args:
            state: `[STATE]`, with at least two legal actions. Hidden hands are removed first.
            draws: the random stream that draws the worlds.
            earlier: `[rounds, STATE]`: the ends of the game's earlier rounds.
        """
        ...


class BeliefAdviser:
    """Looks ahead from a decision in weighted worlds and reports the result."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: BeliefSettings,
        *,
        for_win: bool = False,
        adapts: bool = False,
    ) -> None:
        """Args: see `BeliefLookahead`."""
        self.settings = settings
        self._lookahead = BeliefLookahead(evaluator, settings, for_win=for_win, adapts=adapts)

    def evaluate_options(self, state: State, draws: Stream, earlier: State) -> tuple[Option, ...]:
        """See `Adviser`."""
        seen = _seen(state)
        prior = self._lookahead.priors(seen[None], [earlier])[0]
        found = self._lookahead.consider(seen, draws, prior, earlier)
        shares = np.exp(found.score - found.score.max())
        shares /= shares.sum()
        scale = most_points(int(seen[DEALT]))
        options = [
            Option(
                action=int(found.legal[edge]),
                share=float(shares[edge]),
                points=scale * float(found.value[edge]),
                win=None if found.win is None else float(found.win[edge]),
                is_visited=True,
                prior=float(found.prior[edge]),
            )
            for edge in range(len(shares))
        ]
        return tuple(sorted(options, key=lambda option: (-option.share, option.action)))


class SearchAdviser:
    """Searches a decision and reports the result; an instance belongs to one thread."""

    def __init__(self, evaluator: Evaluator, settings: SearchSettings) -> None:
        """Args:
        evaluator: with room for as many rows as the search has trees.
        settings: the search settings.
        """
        self.settings = settings
        self._evaluator = evaluator
        self._search = new_search(1, settings)
        self._requests = new_requests(1, settings)

    def evaluate_options(
        self,
        state: State,
        draws: Stream,
        earlier: State,  # noqa: ARG002 (a search looks at this round alone)
    ) -> tuple[Option, ...]:
        """See `Adviser`."""
        seen = _seen(state)
        self._run(seen, draws)
        legal, scale = legal_actions_of(seen), most_points(int(seen[DEALT]))
        roots = root_statistics(self._search, 0)
        options = []
        for edge, action in enumerate(legal):
            is_visited = bool(roots.visits[edge])
            value = float(roots.value[edge]) if is_visited else self._guess(seen, action)
            option = Option(
                action=action,
                share=float(roots.visits[edge] / roots.visits.sum()),
                points=scale * value,
                is_visited=is_visited,
                prior=float(self._search.trees.prior[0, 0, edge]),
            )
            options.append(option)
        taken = legal[root_choice(self._search, 0)]
        return tuple(sorted(options, key=lambda o: (o.action != taken, -o.share, o.action)))

    def _run(self, state: State, draws: Stream) -> None:
        """Run the search to its end."""
        begin_search(self._search, 0, state, self._search.simulations, False, draws)
        done = False
        while not done:
            self._requests.rows[:] = 0
            request_evaluations(self._search, 0, self._requests)
            priors, values = self._evaluator.evaluate(*requested_states(self._requests))
            done = advance_search(self._search, 0, priors, values, draws)

    def _guess(self, state: State, action: int) -> float:
        """Return the critic's value right after an action, averaged over the search's worlds."""
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
    """Apply `action` and the forced actions after it in each world.

    A finished round writes its value to the end of `known`; an unfinished one copies its state to
    the start of `rows`.

    Returns:
        The number of unfinished rounds.
    """
    # Values fill `known` from the end and states fill `rows` from the start, so that the critic is
    # called once, with unfinished rounds only; `known[:waiting]` is then free for its answers.
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
