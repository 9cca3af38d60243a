"""A person's game as frozen data: its setup and all actions so far.

The cards follow from the setup's seed, so setup and actions determine everything else. The same
small value is used on the screen, in tests and in files, and can be replayed to any point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec
import numpy as np

from blobmaster.game.cards import CARDS
from blobmaster.game.rules import (
    BIDS,
    HANDS,
    LONGEST,
    MAX_LEGAL,
    PLAYERS,
    ROUNDS_LEFT,
    SCORES,
    STATE,
    TRICKS,
    State,
    apply,
    check_round,
    is_over,
    legal_actions,
    new_round,
)
from blobmaster.game.schedule import TRUMP_CYCLE, RoundPlan, game_rounds
from blobmaster.game.scoring import points
from blobmaster.kernels.rng import generator, shuffle, stream


class Setup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a game. Seat 0 deals the first round."""

    players: int
    most_cards: int
    """Cards dealt to each seat in the longest rounds."""
    seat: int
    """The person's seat, 0-based."""
    seed: int
    """Seeds the cards and the random draws of the networks."""
    one_round: bool = False
    """True for one round of `most_cards` with a random trump instead of a whole game."""

    def __post_init__(self) -> None:
        check_round(self.players, self.most_cards, 0, 0)
        if not 0 <= self.seat < self.players:
            raise ValueError(f"{self.players} players sit at seats 1 to {self.players}: choose one")
        if self.seed < 0:
            raise ValueError("the seed must not be negative")


@dataclass(frozen=True)
class Game:
    """A setup and the actions of all rounds dealt so far; the last round may be unfinished."""

    setup: Setup
    rounds: tuple[tuple[int, ...], ...] = ((),)
    """Per round, the actions as `blobmaster.game.rules` numbers them."""

    @property
    def number(self) -> int:
        """The current round, 0-based."""
        return len(self.rounds) - 1

    @property
    def decision(self) -> tuple[int, int]:
        """The id of the next decision: the round and the number of actions in it."""
        return self.number, len(self.rounds[-1])


@dataclass(frozen=True)
class RoundResult:
    """The result of a finished round, by seat."""

    plan: RoundPlan
    bids: tuple[int, ...]
    tricks: tuple[int, ...]
    points: tuple[int, ...]


@lru_cache(maxsize=8)
def round_plans(setup: Setup) -> tuple[RoundPlan, ...]:
    """Return the plans of the game's rounds in order."""
    if setup.one_round:
        trump = TRUMP_CYCLE[generator(setup.seed, "table trump").integers(len(TRUMP_CYCLE))]
        return (RoundPlan(cards=setup.most_cards, trump=trump, dealer=0),)
    return game_rounds(setup.players, setup.most_cards)


def deal_round(setup: Setup, number: int) -> State:
    """Deal round `number` (0-based): its state before the first bid."""
    plan = round_plans(setup)[number]
    deck = np.arange(CARDS)
    shuffle(stream(setup.seed, "table deal", number), deck)
    hands = deck[: setup.players * plan.cards].reshape(setup.players, plan.cards)
    return new_round(setup.players, plan.cards, plan.trump, plan.dealer, hands)


def replay_round(setup: Setup, number: int, actions: tuple[int, ...]) -> State:
    """Deal round `number` (0-based) and apply actions."""
    state = deal_round(setup, number)
    for action in actions:
        apply(state, action)
    return state


def state_of(game: Game) -> State:
    """Compute the current state; in a whole game it includes scores and rounds left."""
    return _state_in(game, game.number)


def ends_of(game: Game) -> State:
    """Return `[rounds, STATE]`: how the finished rounds ended, each with the scores before it."""
    ends = [_state_in(game, number) for number in range(_finished(game))]
    return np.array(ends, np.int64).reshape(len(ends), STATE)


def _state_in(game: Game, number: int) -> State:
    """Return the state of round `number` (0-based) after its last action so far."""
    setup = game.setup
    state = replay_round(setup, number, game.rounds[number])
    if not setup.one_round:
        state[LONGEST] = setup.most_cards
        state[ROUNDS_LEFT] = len(round_plans(setup)) - 1 - number
        for earlier in range(number):
            made = _result(setup, earlier, game.rounds[earlier]).points
            state[SCORES : SCORES + setup.players] += made
    return state


def legal_actions_of(state: State) -> tuple[int, ...]:
    """Return the legal actions of the seat to act, ascending; empty if the round is over."""
    if is_over(state):
        return ()
    actions = np.empty(MAX_LEGAL, np.int64)
    return tuple(actions[: legal_actions(state, actions)].tolist())


def take_action(game: Game, action: int) -> Game:
    """Return the game after an action of the seat to act.

    Raises:
        ValueError: the action is illegal.
    """
    if action not in legal_actions_of(state_of(game)):
        raise ValueError(f"action {action} is not legal now")
    return replace(game, rounds=(*game.rounds[:-1], (*game.rounds[-1], action)))


def deal_next(game: Game) -> Game:
    """Return the game with the next round dealt.

    Raises:
        ValueError: the current round is not over, or it is the last.
    """
    if not round_is_over(game) or is_last_round(game):
        raise ValueError("no round can be dealt now")
    return replace(game, rounds=(*game.rounds, ()))


def round_is_over(game: Game) -> bool:
    """Return True if all cards of the current round have been played."""
    cards = round_plans(game.setup)[game.number].cards
    return len(game.rounds[-1]) == game.setup.players * (1 + cards)


def is_last_round(game: Game) -> bool:
    """Return True if the current round is the last of the game."""
    return game.number == len(round_plans(game.setup)) - 1


def is_finished(game: Game) -> bool:
    """Return True if the whole game is over."""
    return is_last_round(game) and round_is_over(game)


def results(game: Game) -> tuple[RoundResult, ...]:
    """Return the results of the finished rounds in order."""
    return tuple(_result(game.setup, n, game.rounds[n]) for n in range(_finished(game)))


def _finished(game: Game) -> int:
    """Return the number of finished rounds."""
    return len(game.rounds) if round_is_over(game) else game.number


# A view replays all rounds; the cache avoids playing finished rounds again at every key press.
@lru_cache(maxsize=64)
def _result(setup: Setup, number: int, actions: tuple[int, ...]) -> RoundResult:
    end = replay_round(setup, number, actions)
    seats = range(setup.players)
    return RoundResult(
        plan=round_plans(setup)[number],
        bids=tuple(int(end[BIDS + seat]) for seat in seats),
        tricks=tuple(int(end[TRICKS + seat]) for seat in seats),
        points=tuple(int(points(end, seat)) for seat in seats),
    )


def scores(game: Game) -> tuple[int, ...]:
    """Return each seat's points in all finished rounds."""
    made = [result.points for result in results(game)]
    return tuple(sum(of_seat) for of_seat in zip(*made, strict=True)) or (0,) * game.setup.players


def hide_other_hands(state: State, seat: int) -> State:
    """Copy a state without the hands hidden from `seat`, so that a player cannot cheat."""
    seen = state.copy()
    for other in range(state[PLAYERS]):
        if other != seat:
            seen[HANDS + other] = 0
    return seen
