"""All texts of a game, sentences and tables, shared by the screen and the line interface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from blobmaster.config.belief import BeliefSettings
from blobmaster.game.cards import NO_TRUMP, RANKS
from blobmaster.game.rules import FIRST_BID
from blobmaster.play.advice import Advice, Option
from blobmaster.play.card_text import SUIT_NAMES, Symbols
from blobmaster.play.game import RoundResult
from blobmaster.play.view import Move, View

QUEEN_OF_HEARTS: Final = 23
ONE_MOVE: Final = "There is only one move here."
NOT_NOW: Final = "Advice is for your own bids and cards."

NAMES: Final = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus")
"""The networks' names, clockwise from the person's left."""

_ROUND_COLUMNS: Final = 6
"""Width of the score table's first columns: round, cards and trump."""


def suit_of(card: int) -> int:
    """Return the number of a card's suit."""
    return card // RANKS


def name(view: View, seat: int | None) -> str:
    """Return the name of a seat's player."""
    if seat is None:
        return "nobody"
    if seat == view.me:
        return "You"
    return NAMES[(seat - view.me) % view.players - 1]


def subject_and_verb(view: View, seat: int, verb: str) -> str:
    """Return a name with its verb: `You take`, `Ada takes`."""
    return f"{name(view, seat)} {verb if seat == view.me else verb + 's'}"


def cards_each(cards: int) -> str:
    """Return `5 cards each`."""
    return "one card each" if cards == 1 else f"{cards} cards each"


def headline(view: View, symbols: Symbols, *, brief: bool = False) -> str:
    """Describe the round: `Round 3 of 17: 5 cards each, trump hearts ♥, Ben deals`."""
    deals = view.plan.dealer == view.me
    dealing = "you deal" if deals else f"{name(view, view.plan.dealer)} deals"
    number, cards = view.number + 1, view.plan.cards
    if brief:
        trump = "no" if view.plan.trump == NO_TRUMP else symbols.suits[view.plan.trump]
        return f"{number}/{view.rounds}, {cards} each, {trump} trump, {dealing}"
    return (
        f"Round {number} of {view.rounds}: {cards_each(cards)}, "
        f"{symbols.trump(view.plan.trump)}, {dealing}"
    )


def help_lines(symbols: Symbols) -> list[str]:
    """Return the help page: the commands and a summary of the rules."""
    queen = symbols.card(QUEEN_OF_HEARTS)
    return [
        "Take exactly as many tricks as you bid: 10 points and your bid. Else nothing.",
        "",
        "2, b 2    bid two tricks",
        f"QH, {queen}    play the queen of hearts; 10H or TH is the ten",
        "Enter     take the marked move or the only one; deal the next round",
        "?         advice: what the network would do in your place, and why",
        "s         the scores, round by round",
        "PgDn      scroll a page that is longer than the screen",
        "t         the table",
        "h         this page",
        "q         leave; the game is saved",
        "",
        "Follow the suit that was led if you can. The highest trump takes the trick, and without "
        "a trump the highest card of the suit led. Who takes it leads the next.",
        "The dealer bids last and may not make the bids add up to the cards dealt.",
    ]


def move_line(view: View, move: Move, symbols: Symbols) -> str:
    """Describe a move: `Ada plays Q♥ and takes the trick.`"""
    if move.is_bid:
        return f"{subject_and_verb(view, move.seat, 'bid')} {move.bid}."
    line = f"{subject_and_verb(view, move.seat, 'play')} {symbols.card(move.action)}"
    if move.taken_by is None:
        return f"{line}."
    if move.taken_by == move.seat:
        return f"{line} and {'take' if move.seat == view.me else 'takes'} the trick."
    return f"{line}. {subject_and_verb(view, move.taken_by, 'take')} the trick."


def bid_balance(view: View) -> str:
    """Compare the bids with the tricks: `Bids: 4 of 5 tricks, 1 too few.`"""
    made = [bid for bid in view.bids if bid is not None]
    cards = view.plan.cards
    if len(made) < view.players:
        return f"The bids so far: {sum(made)} of {cards} tricks."
    over = sum(made) - cards
    return f"Bids: {sum(made)} of {cards} tricks, {abs(over)} too {'many' if over > 0 else 'few'}."


def prompt(view: View, symbols: Symbols) -> str:
    """Return the prompt for the person's next input."""
    if view.phase == "game over":
        return f"{winner(view)} Enter leaves."
    if view.phase == "round over":
        return "The round is over. Enter deals the next."
    if not view.my_turn:
        return f"{name(view, view.to_act)} is thinking."
    if view.phase == "bidding":
        but = "" if view.forbidden_bid is None else f" but not {view.forbidden_bid}"
        return f"Your bid, 0 to {view.plan.cards}{but}:"
    return f"{_what_to_play(view, symbols)}:"


def _what_to_play(view: View, symbols: Symbols) -> str:
    if view.led_suit is None:
        return "You lead, any card"
    led = SUIT_NAMES[view.led_suit].capitalize()
    if all(suit_of(card) == view.led_suit for card in view.legal):
        return f"{led} were led, play {symbols.cards(view.legal, ' or ')}"
    return f"{led} were led and you have none, any card"


def trick_line(view: View, trick: tuple[Move, ...], symbols: Symbols) -> str:
    """Format a trick on one line: `Ada 3♦, Ben K♦, You 2♦`."""
    return ", ".join(f"{name(view, move.seat)} {symbols.card(move.action)}" for move in trick)


def last_trick_line(view: View, symbols: Symbols) -> str:
    """Describe the last trick and its winner; empty before the first."""
    if not view.last_trick:
        return ""
    taker = view.last_trick[-1].taken_by
    return f"Last trick: {trick_line(view, view.last_trick, symbols)}; {name(view, taker)} took it."


def winner(view: View) -> str:
    """Name the winner, or all who share the win."""
    best = max(view.scores)
    first = [seat for seat in range(view.players) if view.scores[seat] == best]
    points = "one point" if best == 1 else f"{best} points"
    if len(first) == 1:
        return f"{subject_and_verb(view, first[0], 'win')} with {points}."
    names = [name(view, seat) for seat in first]
    return f"{', '.join(names[:-1])} and {names[-1]} share the win with {points}."


def result_lines(view: View, result: RoundResult) -> list[str]:
    """Describe the result of a round, one sentence per seat."""
    lines = []
    for seat in range(view.players):
        total = sum(past.points[seat] for past in view.results)
        lines.append(
            f"{name(view, seat)}: bid {result.bids[seat]}, took {result.tricks[seat]}, "
            f"{result.points[seat]} points, {total} in all."
        )
    return lines


def standing_lines(view: View) -> list[str]:
    """List place, name and points, best first; ties share a place."""
    command = sorted(range(view.players), key=lambda seat: (-view.scores[seat], seat))
    return [
        f"{1 + sum(other > view.scores[seat] for other in view.scores)}. "
        f"{name(view, seat)}, {view.scores[seat]} points"
        for seat in command
    ]


def table_lines(view: View, symbols: Symbols) -> list[str]:
    """Describe the whole table in sentences."""
    lines = [headline(view, symbols)]
    for seat in range(view.players):
        bid = "no bid yet" if view.bids[seat] is None else f"bid {view.bids[seat]}"
        lines.append(
            f"{name(view, seat)}: {bid}, {view.tricks[seat]} taken, {view.scores[seat]} points"
        )
    lines.append(bid_balance(view))
    if view.last_trick:
        lines.append(last_trick_line(view, symbols))
    if view.winning is not None:
        on_table = trick_line(view, view.trick, symbols)
        lines.append(
            f"On the table: {on_table}; {subject_and_verb(view, view.winning, 'win')} it so far."
        )
    return lines


def save_failed(error: OSError) -> str:
    """Return the message for a game that cannot be saved."""
    return f"The game cannot be saved: {error.strerror}. You can play on."


def score_table(view: View, symbols: Symbols, width: int) -> list[str]:
    """Tabulate the points of every finished round and their sums.

    Bids and tricks are added if they fit into `width` columns.
    """
    rounds = [_score_cells(result) for result in view.results]
    full = max((len(cell) for cells in rounds for cell in cells), default=5) + 1
    is_full = _ROUND_COLUMNS + full * view.players <= width
    column = max(full, 5) if is_full else max((width - _ROUND_COLUMNS) // view.players, 4)
    seats = range(view.players)

    def row(start: str, cells: Iterable[str]) -> str:
        return start + "".join(f"{cell:>{column}}" for cell in cells)

    lines = [row("      ", (name(view, seat)[: column - 1] for seat in seats))]
    for number, (result, cells) in enumerate(zip(view.results, rounds, strict=True)):
        trump = " " if result.plan.trump == NO_TRUMP else symbols.suits[result.plan.trump]
        start = f"{number + 1:>2}{result.plan.cards:>3}{trump}"
        lines.append(row(start, (cell if is_full else cell.split()[0] for cell in cells)))
    lines.append(row("sum   ", (str(points) for points in view.scores)))
    if is_full and view.results:
        lines.append("round, cards, trump; then points (bid/tricks taken)")
    return lines


def _score_cells(result: RoundResult) -> list[str]:
    seats = range(len(result.points))
    return [f"{result.points[s]} ({result.bids[s]}/{result.tricks[s]})" for s in seats]


def advice_lines(advice: Advice, symbols: Symbols) -> list[str]:
    """Describe the advice: one sentence, then one line per legal action."""
    best = advice.options[0]
    search = advice.search
    if isinstance(search, BeliefSettings):
        found, column = f"with a probability of {best.share:.0%}", "play"
        method = f"A look ahead in {search.worlds} deals weighted by the others' bids and cards"
    else:
        found = f"{best.share:.0%} of its {search.worlds * search.simulations} visits"
        column = "visits"
        method = f"A {search.worlds}{symbols.times}{search.simulations} search of what you can see"
    lines = [
        f"The network would {_action_phrase(best, symbols)}: "
        f"{found}, {_worth(best)} expected. "
        f"{_runner_up(advice, symbols)}",
        f"{'':>6}{column:>8}{'points':>8}{'' if best.win is None else '   win'}{'at sight':>10}",
    ]
    for option in advice.options:
        points = f"{'' if option.is_visited else '~'}{option.points:.1f}"
        win = "" if option.win is None else f"{option.win:>6.0%}"
        what = str(option.action - FIRST_BID) if option.is_bid else symbols.card(option.action)
        lines.append(f"{what:>6}{option.share:>8.0%}{points:>8}{win}{option.prior:>10.0%}")
    lines.append(f"{method}; at sight is before any search.")
    if not all(option.is_visited for option in advice.options):
        lines.append("~ was not searched: a first guess.")
    return lines


def _action_phrase(option: Option, symbols: Symbols) -> str:
    if option.is_bid:
        return f"bid {option.action - FIRST_BID}"
    return f"play {symbols.card(option.action)}"


def _worth(option: Option) -> str:
    points = f"{option.points:.1f} points"
    return points if option.win is None else f"{option.win:.0%} of the win and {points}"


def _runner_up(advice: Advice, symbols: Symbols) -> str:
    tried = [option for option in advice.options[1:] if option.is_visited]
    if not tried:
        return "It looked at nothing else."
    return f"Next best: {_action_phrase(tried[0], symbols)}, {_worth(tried[0])}."
