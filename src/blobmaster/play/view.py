"""The view: everything that the person may see of a game, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from blobmaster.game.cards import RANKS, cards_in
from blobmaster.game.rules import (
    BIDS,
    FIRST_BID,
    HANDS,
    IN_TRICK,
    LEADER,
    SEAT,
    TRICKS,
    WINNER,
    State,
    apply,
    forbidden_bid,
    is_bidding,
)
from blobmaster.game.schedule import RoundPlan
from blobmaster.play.game import (
    Game,
    RoundResult,
    deal_round,
    is_finished,
    legal_actions_of,
    results,
    round_is_over,
    round_plans,
    scores,
)

Phase = Literal["bidding", "playing", "round over", "game over"]


@dataclass(frozen=True)
class Move:
    """A bid or a card played."""

    seat: int
    action: int
    taken_by: int | None = None
    """The seat that took the trick which this card completed."""

    @property
    def is_bid(self) -> bool:
        return self.action >= FIRST_BID

    @property
    def bid(self) -> int:
        return self.action - FIRST_BID


@dataclass(frozen=True, kw_only=True)
class View:
    """The game as one seat sees it. Seats are 0-based; tuples by seat have one entry per seat."""

    me: int
    players: int
    number: int
    """The current round, 0-based."""
    rounds: int
    plan: RoundPlan
    phase: Phase
    to_act: int | None
    """The seat to bid or play; None between rounds."""
    hand: tuple[int, ...]
    """The person's cards, ascending by suit and rank."""
    legal: tuple[int, ...]
    """The person's legal actions; empty if it is not their turn."""
    forbidden_bid: int | None
    """The bid that the person, as the dealer, may not make now; None if all are allowed."""
    bids: tuple[int | None, ...]
    tricks: tuple[int, ...]
    trick: tuple[Move, ...]
    """Cards on the table, in the order played."""
    winning: int | None
    """The seat whose card wins the current trick so far."""
    last_trick: tuple[Move, ...]
    """The last completed trick; empty before the first."""
    leader: int
    """The seat that led the current trick or leads the next."""
    moves: tuple[Move, ...]
    """All moves of this round, in order."""
    scores: tuple[int, ...]
    """Points in all finished rounds."""
    results: tuple[RoundResult, ...]
    """The results of all finished rounds."""

    @property
    def my_turn(self) -> bool:
        return self.to_act == self.me

    @property
    def is_begun(self) -> bool:
        """True if the person has made a move, so that the game is worth saving."""
        return self.number > 0 or any(move.seat == self.me for move in self.moves)

    def cards_held(self, seat: int) -> int:
        """Return the number of cards that a seat has left."""
        played = sum(move.seat == seat and not move.is_bid for move in self.moves)
        return self.plan.cards - played

    @property
    def led_suit(self) -> int | None:
        """The suit to follow; None before the lead."""
        return self.trick[0].action // RANKS if self.trick else None

    @property
    def decision(self) -> tuple[int, int]:
        """See `Game.decision`."""
        return self.number, len(self.moves)


def view_of(game: Game) -> View:
    """Compute the person's current view of a game."""
    me = game.setup.seat
    moves, state = _replay(game)
    over = round_is_over(game)
    my_turn = not over and state[SEAT] == me
    bids_now = my_turn and bool(is_bidding(state))
    forbidden = int(forbidden_bid(state)) if bids_now else -1
    cards = tuple(move for move in moves if not move.is_bid)
    completed = len(cards) - int(state[IN_TRICK])
    seats = range(game.setup.players)
    return View(
        me=me,
        players=game.setup.players,
        number=game.number,
        rounds=len(round_plans(game.setup)),
        plan=round_plans(game.setup)[game.number],
        phase=_phase(game, len(moves)),
        to_act=None if over else int(state[SEAT]),
        hand=tuple(cards_in(int(state[HANDS + me]))),
        legal=legal_actions_of(state) if my_turn else (),
        forbidden_bid=forbidden if forbidden >= 0 else None,
        bids=tuple(int(state[BIDS + seat]) if state[BIDS + seat] >= 0 else None for seat in seats),
        tricks=tuple(int(state[TRICKS + seat]) for seat in seats),
        trick=cards[completed:],
        winning=int(state[WINNER]) if state[IN_TRICK] > 0 else None,
        last_trick=cards[max(completed - game.setup.players, 0) : completed],
        leader=int(state[LEADER]),
        moves=moves,
        scores=scores(game),
        results=results(game),
    )


def _replay(game: Game) -> tuple[tuple[Move, ...], State]:
    """Replay the current round; return its moves and its state."""
    state = deal_round(game.setup, game.number)
    moves = []
    for action in game.rounds[-1]:
        seat = int(state[SEAT])
        apply(state, action)
        # The rules clear the trick when its last card is played; its winner leads the next.
        ends_trick = action < FIRST_BID and state[IN_TRICK] == 0
        moves.append(Move(seat, action, int(state[LEADER]) if ends_trick else None))
    return tuple(moves), state


def _phase(game: Game, moves: int) -> Phase:
    if is_finished(game):
        return "game over"
    if round_is_over(game):
        return "round over"
    return "bidding" if moves < game.setup.players else "playing"
