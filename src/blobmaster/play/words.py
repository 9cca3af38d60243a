"""The game in sentences and tables, the same ones for the screen and for lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from blobmaster.game.cards import NO_TRUMP, RANKS
from blobmaster.game.rules import FIRST_BID
from blobmaster.play.cardtext import SUIT_NAMES, Signs
from blobmaster.play.game import RoundResult
from blobmaster.play.thinking import Advice, Option
from blobmaster.play.view import Move, View

QUEEN_OF_HEARTS: Final = 23
ONE_MOVE: Final = "There is only one move here."
NOT_NOW: Final = "Advice is for your own bids and cards."

NAMES: Final = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus")
"""The networks, from the person's left."""

_ROUND_COLUMNS: Final = 6
"""Of the score table: round, cards and trump."""


def suit_of(card: int) -> int:
    """The number of a card's suit."""
    return card // RANKS


def name(view: View, seat: int | None) -> str:
    """Who sits there."""
    if seat is None:
        return "nobody"
    if seat == view.me:
        return "You"
    return NAMES[(seat - view.me) % view.players - 1]


def says(view: View, seat: int, verb: str) -> str:
    """A name and its verb: `You take`, `Ada takes`."""
    return f"{name(view, seat)} {verb if seat == view.me else verb + 's'}"


def cards_each(cards: int) -> str:
    """`5 cards each`."""
    return "one card each" if cards == 1 else f"{cards} cards each"


def headline(view: View, signs: Signs, *, brief: bool = False) -> str:
    """The round: `Round 3 of 17: 5 cards each, trump hearts ♥, Ben deals`."""
    deals = view.plan.dealer == view.me
    dealing = "you deal" if deals else f"{name(view, view.plan.dealer)} deals"
    number, cards = view.number + 1, view.plan.cards
    if brief:
        trump = "no" if view.plan.trump == NO_TRUMP else signs.suits[view.plan.trump]
        return f"{number}/{view.rounds}, {cards} each, {trump} trump, {dealing}"
    return (
        f"Round {number} of {view.rounds}: {cards_each(cards)}, "
        f"{signs.trump(view.plan.trump)}, {dealing}"
    )


def help_lines(signs: Signs) -> list[str]:
    """What can be typed, and the rules in short."""
    queen = signs.card(QUEEN_OF_HEARTS)
    return [
        "Take exactly as many tricks as you bid: 10 points and your bid. Else nothing.",
        "",
        "2, b 2    bid two tricks",
        f"QH, {queen}    play the queen of hearts; 10H or TH is the ten",
        "Enter     take the marked move or the only one; deal the next round",
        "?         what the network would do in your place, and why",
        "s         the scores, round by round",
        "PgDn      more of a page that is longer than the screen",
        "t         the table",
        "h         this page",
        "q         leave; the game is kept",
        "",
        "Follow the suit that was led if you can. The highest trump takes the trick, and without "
        "a trump the highest card of the suit led. Who takes it leads the next.",
        "The dealer bids last and may not make the bids add up to the cards dealt.",
    ]


def move_line(view: View, move: Move, signs: Signs) -> str:
    """What somebody did: `Ada plays Q♥ and takes the trick.`"""
    if move.is_bid:
        return f"{says(view, move.seat, 'bid')} {move.bid}."
    line = f"{says(view, move.seat, 'play')} {signs.card(move.action)}"
    if move.taken_by is None:
        return f"{line}."
    if move.taken_by == move.seat:
        return f"{line} and {'take' if move.seat == view.me else 'takes'} the trick."
    return f"{line}. {says(view, move.taken_by, 'take')} the trick."


def balance(view: View) -> str:
    """How the bids stand against the tricks: `Bids: 4 of 5 tricks, 1 too few.`"""
    made = [bid for bid in view.bids if bid is not None]
    cards = view.plan.cards
    if len(made) < view.players:
        return f"The bids so far: {sum(made)} of {cards} tricks."
    over = sum(made) - cards
    return f"Bids: {sum(made)} of {cards} tricks, {abs(over)} too {'many' if over > 0 else 'few'}."


def prompt(view: View, signs: Signs) -> str:
    """What is expected of the person now."""
    if view.phase == "game over":
        return f"{winner(view)} Enter leaves."
    if view.phase == "round over":
        return "The round is over. Enter deals the next."
    if not view.my_turn:
        return f"{name(view, view.to_act)} is thinking."
    if view.phase == "bidding":
        but = "" if view.forbidden_bid is None else f" but not {view.forbidden_bid}"
        return f"Your bid, 0 to {view.plan.cards}{but}:"
    return f"{_what_to_play(view, signs)}:"


def _what_to_play(view: View, signs: Signs) -> str:
    if view.led_suit is None:
        return "You lead, any card"
    led = SUIT_NAMES[view.led_suit].capitalize()
    if all(suit_of(card) == view.led_suit for card in view.legal):
        return f"{led} were led, play {signs.cards(view.legal, ' or ')}"
    return f"{led} were led and you have none, any card"


def trick_line(view: View, trick: tuple[Move, ...], signs: Signs) -> str:
    """A trick on one line: `Ada 3♦, Ben K♦, You 2♦`."""
    return ", ".join(f"{name(view, move.seat)} {signs.card(move.action)}" for move in trick)


def last_trick_line(view: View, signs: Signs) -> str:
    """The last trick, and who took it; empty before there is one."""
    if not view.last_trick:
        return ""
    taker = view.last_trick[-1].taken_by
    return f"Last trick: {trick_line(view, view.last_trick, signs)}; {name(view, taker)} took it."


def winner(view: View) -> str:
    """Who has the most points, ties named."""
    best = max(view.scores)
    first = [seat for seat in range(view.players) if view.scores[seat] == best]
    points = "one point" if best == 1 else f"{best} points"
    if len(first) == 1:
        return f"{says(view, first[0], 'win')} with {points}."
    names = [name(view, seat) for seat in first]
    return f"{', '.join(names[:-1])} and {names[-1]} share the win with {points}."


def result_lines(view: View, result: RoundResult) -> list[str]:
    """How a round went, a sentence for each seat."""
    lines = []
    for seat in range(view.players):
        total = sum(past.points[seat] for past in view.results)
        lines.append(
            f"{name(view, seat)}: bid {result.bids[seat]}, took {result.tricks[seat]}, "
            f"{result.points[seat]} points, {total} in all."
        )
    return lines


def standing_lines(view: View) -> list[str]:
    """Place, name and points, best first; ties share a place."""
    order = sorted(range(view.players), key=lambda seat: (-view.scores[seat], seat))
    return [
        f"{1 + sum(other > view.scores[seat] for other in view.scores)}. "
        f"{name(view, seat)}, {view.scores[seat]} points"
        for seat in order
    ]


def situation(view: View, signs: Signs) -> list[str]:
    """All of the table in sentences."""
    lines = [headline(view, signs)]
    for seat in range(view.players):
        bid = "no bid yet" if view.bids[seat] is None else f"bid {view.bids[seat]}"
        lines.append(
            f"{name(view, seat)}: {bid}, {view.tricks[seat]} taken, {view.scores[seat]} points"
        )
    lines.append(balance(view))
    if view.last_trick:
        lines.append(last_trick_line(view, signs))
    if view.winning is not None:
        on_table = trick_line(view, view.trick, signs)
        lines.append(f"On the table: {on_table}; {says(view, view.winning, 'win')} it so far.")
    return lines


def not_kept(error: OSError) -> str:
    """That the game's file cannot be written."""
    return f"The game cannot be kept: {error.strerror}. It goes on unkept."


def score_table(view: View, signs: Signs, width: int) -> list[str]:
    """Points in every finished round and their sums, with bids and tricks where there is room."""
    rounds = [_score_cells(result) for result in view.results]
    full = max((len(cell) for cells in rounds for cell in cells), default=5) + 1
    is_full = _ROUND_COLUMNS + full * view.players <= width
    column = max(full, 5) if is_full else max((width - _ROUND_COLUMNS) // view.players, 4)
    seats = range(view.players)

    def row(start: str, cells: Iterable[str]) -> str:
        return start + "".join(f"{cell:>{column}}" for cell in cells)

    lines = [row("      ", (name(view, seat)[: column - 1] for seat in seats))]
    for number, (result, cells) in enumerate(zip(view.results, rounds, strict=True)):
        trump = " " if result.plan.trump == NO_TRUMP else signs.suits[result.plan.trump]
        start = f"{number + 1:>2}{result.plan.cards:>3}{trump}"
        lines.append(row(start, (cell if is_full else cell.split()[0] for cell in cells)))
    lines.append(row("sum   ", (str(points) for points in view.scores)))
    if is_full and view.results:
        lines.append("round, cards, trump; then points (bid/tricks taken)")
    return lines


def _score_cells(result: RoundResult) -> list[str]:
    seats = range(len(result.points))
    return [f"{result.points[s]} ({result.bids[s]}/{result.tricks[s]})" for s in seats]


def advice_lines(advice: Advice, signs: Signs) -> list[str]:
    """What the network would do and why: a sentence, then a line for every legal action."""
    best = advice.options[0]
    visits = advice.search.worlds * advice.search.simulations
    lines = [
        f"The network would {_deed(best, signs)}: {best.share:.0%} of its {visits} visits, "
        f"{best.points:.1f} points expected. {_runner_up(advice, signs)}",
        f"{'':>6}{'visits':>8}{'points':>8}{'at sight':>10}",
    ]
    for option in advice.options:
        points = f"{'' if option.is_tried else '~'}{option.points:.1f}"
        what = str(option.action - FIRST_BID) if option.is_bid else signs.card(option.action)
        lines.append(f"{what:>6}{option.share:>8.0%}{points:>8}{option.prior:>10.0%}")
    size = f"{advice.search.worlds}{signs.times}{advice.search.simulations}"
    lines.append(f"A {size} search of what you can see; at sight is before any search.")
    if not all(option.is_tried for option in advice.options):
        lines.append("~ was not searched: a first guess.")
    return lines


def _deed(option: Option, signs: Signs) -> str:
    if option.is_bid:
        return f"bid {option.action - FIRST_BID}"
    return f"play {signs.card(option.action)}"


def _runner_up(advice: Advice, signs: Signs) -> str:
    tried = [option for option in advice.options[1:] if option.is_tried]
    if not tried:
        return "It looked at nothing else."
    return f"Next best: {_deed(tried[0], signs)}, {tried[0].points:.1f}."
