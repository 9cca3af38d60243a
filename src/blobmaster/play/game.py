"""A game that a person plays: what was agreed, and every action since; all else follows from these.

Cards come from the setup's seed and the actions are kept, so a game is a small frozen value: the
same one on the screen, in a test and in a file, and it can be gone through again to any point.
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
    """What is agreed before the first deal. Seat 0 deals the first round."""

    players: int
    most_cards: int
    """Cards dealt to each seat in the longest rounds."""
    seat: int
    """The person's."""
    seed: int
    """Of the cards and of all that the networks draw."""
    one_round: bool = False
    """One round of `most_cards`, its trump drawn, instead of a whole game."""

    def __post_init__(self) -> None:
        check_round(self.players, self.most_cards, 0, 0)
        if not 0 <= self.seat < self.players:
            raise ValueError(f"{self.players} players sit at seats 1 to {self.players}")
        if self.seed < 0:
            raise ValueError("a seed is not negative")


@dataclass(frozen=True)
class Game:
    """A setup, and the actions of every round dealt so far, the last of which may be under way."""

    setup: Setup
    rounds: tuple[tuple[int, ...], ...] = ((),)
    """Actions as `blobmaster.game.rules` numbers them."""

    @property
    def number(self) -> int:
        """The round on the table, 0-based."""
        return len(self.rounds) - 1

    @property
    def decision(self) -> tuple[int, int]:
        """Which decision of the game comes next: its round, and the actions taken in that."""
        return self.number, len(self.rounds[-1])


@dataclass(frozen=True)
class RoundResult:
    """How a finished round went, by seat."""

    plan: RoundPlan
    bids: tuple[int, ...]
    tricks: tuple[int, ...]
    points: tuple[int, ...]


@lru_cache(maxsize=8)
def plans(setup: Setup) -> tuple[RoundPlan, ...]:
    """The rounds of the game, in order."""
    if setup.one_round:
        trump = TRUMP_CYCLE[generator(setup.seed, "table trump").integers(len(TRUMP_CYCLE))]
        return (RoundPlan(cards=setup.most_cards, trump=trump, dealer=0),)
    return game_rounds(setup.players, setup.most_cards)


def dealt(setup: Setup, number: int) -> State:
    """Round `number` (0-based) before its first bid."""
    plan = plans(setup)[number]
    deck = np.arange(CARDS)
    shuffle(stream(setup.seed, "table deal", number), deck)
    hands = deck[: setup.players * plan.cards].reshape(setup.players, plan.cards)
    return new_round(setup.players, plan.cards, plan.trump, plan.dealer, hands)


def round_after(setup: Setup, number: int, actions: tuple[int, ...]) -> State:
    """Round `number` (0-based) after these actions."""
    state = dealt(setup, number)
    for action in actions:
        apply(state, action)
    return state


def state_of(game: Game) -> State:
    """The round on the table as it stands now, and in a whole game where that stands."""
    state = round_after(game.setup, game.number, game.rounds[-1])
    setup = game.setup
    if not setup.one_round:
        state[LONGEST] = setup.most_cards
        state[ROUNDS_LEFT] = len(plans(setup)) - 1 - game.number
        for number in range(game.number):
            made = _result(setup, number, game.rounds[number]).points
            state[SCORES : SCORES + setup.players] += made
    return state


def legal_of(state: State) -> tuple[int, ...]:
    """The legal actions of the seat to act, ascending; none when the round is over."""
    if is_over(state):
        return ()
    actions = np.empty(MAX_LEGAL, np.int64)
    return tuple(actions[: legal_actions(state, actions)].tolist())


def act(game: Game, action: int) -> Game:
    """The game after an action of the seat to act.

    Raises:
        ValueError: the rules do not allow it now.
    """
    if action not in legal_of(state_of(game)):
        raise ValueError(f"action {action} is not legal now")
    return replace(game, rounds=(*game.rounds[:-1], (*game.rounds[-1], action)))


def deal_next(game: Game) -> Game:
    """The game with the next round dealt.

    Raises:
        ValueError: the round on the table is not over, or it was the last.
    """
    if not round_is_over(game) or is_last_round(game):
        raise ValueError("no round can be dealt now")
    return replace(game, rounds=(*game.rounds, ()))


def round_is_over(game: Game) -> bool:
    """Whether every card of the round on the table has been played."""
    cards = plans(game.setup)[game.number].cards
    return len(game.rounds[-1]) == game.setup.players * (1 + cards)


def is_last_round(game: Game) -> bool:
    """Whether no round comes after the one on the table."""
    return game.number == len(plans(game.setup)) - 1


def is_finished(game: Game) -> bool:
    """Whether the whole game is over."""
    return is_last_round(game) and round_is_over(game)


def results(game: Game) -> tuple[RoundResult, ...]:
    """Of every finished round, in order."""
    finished = len(game.rounds) if round_is_over(game) else game.number
    return tuple(_result(game.setup, n, game.rounds[n]) for n in range(finished))


@lru_cache(maxsize=64)
def _result(setup: Setup, number: int, actions: tuple[int, ...]) -> RoundResult:
    end = round_after(setup, number, actions)
    seats = range(setup.players)
    return RoundResult(
        plan=plans(setup)[number],
        bids=tuple(int(end[BIDS + seat]) for seat in seats),
        tricks=tuple(int(end[TRICKS + seat]) for seat in seats),
        points=tuple(int(points(end, seat)) for seat in seats),
    )


def scores(game: Game) -> tuple[int, ...]:
    """Each seat's points in all finished rounds."""
    made = [result.points for result in results(game)]
    return tuple(sum(of_seat) for of_seat in zip(*made, strict=True)) or (0,) * game.setup.players


def seen_from(state: State, seat: int) -> State:
    """A copy of the state without the hands that `seat` cannot see: there is nothing to peek at."""
    seen = state.copy()
    for other in range(state[PLAYERS]):
        if other != seat:
            seen[HANDS + other] = 0
    return seen
