"""The output of `blobmaster evaluate`: tables for people and documents for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from blobmaster.evaluation.estimate_texts import percent, plain, signed, whole
from blobmaster.evaluation.request import ANCHOR, EvaluationRequest

if TYPE_CHECKING:
    from blobmaster.evaluation.calibration import Calibration
    from blobmaster.evaluation.measure import Evaluation, OpponentResult


def opponent_line(request: EvaluationRequest, found: OpponentResult) -> str:
    """Describe the final result against one opponent in a line."""
    ahead = (
        f"wins {percent(found.wins)} %" if request.whole_games else f"ahead by {signed(found.lead)}"
    )
    return (
        f"against {found.opponent}: {found.points.value:.2f} points a {request.unit}, "
        f"{ahead}, after {found.deals} {request.units}"
    )


def print_results(
    request: EvaluationRequest, evaluation: Evaluation, found: Sequence[OpponentResult]
) -> None:
    """Print the table of results and the Elo."""
    # A fixed width, so that a pipe or narrow terminal breaks no row. No markup:
    # names may hold brackets.
    console = Console(highlight=False, markup=False, width=200)
    settings = request.settings
    console.print(
        f"{request.player.text}, {_described(request)}, seed {request.seed}; 95 % intervals"
    )
    if not found:
        console.print(f"no results yet: no block of {request.units} was finished")
        return
    elos = evaluation.elos()
    points, deals = f"points a {request.unit}", request.units
    headings = ("against", points, "exact bids %", "wins %", "ahead by", "its Elo", deals)
    table = Table(*headings, box=None)
    for row in found:
        table.add_row(
            row.opponent,
            plain(row.points),
            percent(row.exact),
            percent(row.wins),
            signed(row.lead),
            whole(elos[row.opponent]) if row.opponent != ANCHOR else "1000",
            str(row.deals),
        )
    console.print(table)
    console.print(
        f"Elo {whole(elos[request.player.text])}, 1000 is its network before training; "
        f"an even share of wins is {100 / settings.players:.1f} %"
    )


def print_calibration(found: Calibration) -> None:
    """Print the calibration errors, and predictions beside outcomes by cards dealt."""
    bid, later = found.at_bid, found.at_first_card
    console = Console(highlight=False, markup=False, width=200)
    console.print(
        f"calibration of its P(exact), itself at every seat, no search: error "
        f"{100 * bid.error:.1f} % when it bids ({100 * bid.chance:.1f} % expected by chance), "
        f"{100 * later.error:.1f} % at its first card ({100 * later.chance:.1f} %)"
    )
    table = Table("cards", "P(exact) %", "made %", "bid", "tricks", "bids", box=None)
    for row in found.by_cards:
        shares = (f"{100 * share:.1f}" for share in (row.said, row.made))
        means = (f"{mean:.2f}" for mean in (row.bid, row.tricks))
        table.add_row(str(row.cards), *shares, *means, str(row.bids))
    console.print(table)


def calibration_document(found: Calibration | None) -> dict[str, Any] | None:
    """Build the calibration for `--json`; None if it was not measured."""
    if found is None:
        return None
    return {
        "at_bid": found.at_bid._asdict(),
        "at_first_card": found.at_first_card._asdict(),
        "by_cards": [row._asdict() for row in found.by_cards],
    }


def _described(request: EvaluationRequest) -> str:
    players, cards = request.settings.players, request.settings.cards
    if request.whole_games:
        return f"{players} players, games from {cards} cards, each once from every seat"
    after = f"after {request.after} rounds of the same players, " if request.after else ""
    return f"{players} players × {cards} cards, {after}each deal once from every seat"


def document(
    request: EvaluationRequest,
    evaluation: Evaluation,
    found: Sequence[OpponentResult],
    seconds: float,
) -> dict[str, Any]:
    """Build the output of `--json`; an estimate has the keys value, low and high."""
    elos = evaluation.elos() if found else {}
    return {
        "player": request.player.text,
        "elo": elos[request.player.text]._asdict() if found else None,
        "against": [
            {
                "player": row.opponent,
                "deals": row.deals,
                **{
                    name: getattr(row, name)._asdict()
                    for name in ("points", "exact", "wins", "lead")
                },
                "elo": elos[row.opponent]._asdict(),
                "sure": row.is_sure,
            }
            for row in found
        ],
        "players": request.settings.players,
        "cards": request.settings.cards,
        "deals": request.settings.deals,
        "games": request.whole_games,
        "after": request.after,
        "seed": request.seed,
        "until_sure": request.until_sure,
        "seconds": round(seconds, 1),
    }
