"""What the person may see of a game, as plain data: everything that is shown comes from here."""

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
    dealt,
    is_finished,
    legal_of,
    plans,
    results,
    round_is_over,
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
    """The table from the person's chair. Seats are 0-based; tuples by seat have one entry each."""

    me: int
    players: int
    number: int
    """The round, 0-based."""
    rounds: int
    plan: RoundPlan
    phase: Phase
    to_act: int | None
    """The seat to bid or play; None between rounds."""
    hand: tuple[int, ...]
    """The person's cards, ascending by suit and rank."""
    legal: tuple[int, ...]
    """The person's legal actions when it is their turn, else empty."""
    forbidden_bid: int | None
    """The bid that the person, dealing, may not make now."""
    bids: tuple[int | None, ...]
    tricks: tuple[int, ...]
    trick: tuple[Move, ...]
    """Cards on the table, in the order played."""
    winning: int | None
    """The seat whose card would take the trick on the table."""
    last_trick: tuple[Move, ...]
    """The trick that was completed last; empty before there is one."""
    leader: int
    """Who led the trick on the table, or leads the next."""
    moves: tuple[Move, ...]
    """All of this round, in order."""
    scores: tuple[int, ...]
    """Points in all finished rounds."""
    results: tuple[RoundResult, ...]
    """Of all finished rounds."""

    @property
    def my_turn(self) -> bool:
        return self.to_act == self.me

    @property
    def is_begun(self) -> bool:
        """Whether the person has done anything yet that is worth keeping."""
        return self.number > 0 or any(move.seat == self.me for move in self.moves)

    def cards_held(self, seat: int) -> int:
        """How many cards a seat has left."""
        played = sum(move.seat == seat and not move.is_bid for move in self.moves)
        return self.plan.cards - played

    @property
    def led_suit(self) -> int | None:
        """The suit that must be followed; None before the lead."""
        return self.trick[0].action // RANKS if self.trick else None

    @property
    def decision(self) -> tuple[int, int]:
        """As `Game.decision`."""
        return self.number, len(self.moves)


def look(game: Game) -> View:
    """The game as the person sees it now."""
    me = game.setup.seat
    moves, state = _gone_through(game)
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
        rounds=len(plans(game.setup)),
        plan=plans(game.setup)[game.number],
        phase=_phase(game, len(moves)),
        to_act=None if over else int(state[SEAT]),
        hand=tuple(cards_in(int(state[HANDS + me]))),
        legal=legal_of(state) if my_turn else (),
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


def _gone_through(game: Game) -> tuple[tuple[Move, ...], State]:
    """The round's moves, and its state after them."""
    state = dealt(game.setup, game.number)
    moves = []
    for action in game.rounds[-1]:
        seat = int(state[SEAT])
        apply(state, action)
        ends_trick = action < FIRST_BID and state[IN_TRICK] == 0
        moves.append(Move(seat, action, int(state[LEADER]) if ends_trick else None))
    return tuple(moves), state


def _phase(game: Game, moves: int) -> Phase:
    if is_finished(game):
        return "game over"
    if round_is_over(game):
        return "round over"
    return "bidding" if moves < game.setup.players else "playing"
