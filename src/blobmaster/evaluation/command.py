"""`blobmaster evaluate`: how strong a checkpoint is, against players of known kinds."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from blobmaster.agents.names import PlayerName, checkpoint_player, parse_player
from blobmaster.config.rating import RatingSettings
from blobmaster.terminal.console import Tally

if TYPE_CHECKING:
    from blobmaster.checkpoint.network import Trained
    from blobmaster.evaluation.bootstrap import Estimate
    from blobmaster.evaluation.calibration import Calibration, CalibrationMatch
    from blobmaster.evaluation.measure import Evaluation, Found

USUAL = ("random", "heuristic", "ismcts-100")
"""Whom a checkpoint meets where nobody is named."""

ANCHOR = "untrained"
"""Always met: the player that Elo is counted from."""

DEALS_PER_BLOCK = 20
RESAMPLES = 2000
INTERRUPTED = 130


class _Prepared(NamedTuple):
    """All that is to be played."""

    evaluation: Evaluation
    calibration: CalibrationMatch
    trained: Trained
    workers: int


@dataclass(frozen=True)
class EvaluationOrder:
    """What was asked for, understood."""

    player: PlayerName
    opponents: tuple[PlayerName, ...]
    """The anchor first."""
    settings: RatingSettings
    seed: int
    workers: int
    device: str
    whole_games: bool
    until_sure: bool
    as_json: bool


def understand(
    checkpoint: Path,
    against: Sequence[str],
    *,
    search: str | None,
    players: int,
    cards: int,
    deals: int,
    seed: int,
    workers: int,
    device: str,
    games: bool,
    until_sure: bool,
    as_json: bool,
) -> EvaluationOrder:
    """Check what was typed.

    Raises:
        ValueError: one line that says what cannot be.
    """
    player = checkpoint_player(checkpoint, search)
    named = dict.fromkeys([parse_player(ANCHOR), *map(parse_player, against or USUAL)])
    texts = [player.text, *(opponent.text for opponent in named)]
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(
                f"two players would be called {text}: name others, or copy one to another name"
            )
    try:
        settings = msgspec.convert(
            {
                "deals": deals,
                "players": players,
                "cards": cards,
                "deals_per_block": DEALS_PER_BLOCK,
                "bootstrap": RESAMPLES,
            },
            RatingSettings,
        )
    except msgspec.ValidationError as error:
        raise ValueError(_one_line(error)) from None
    return EvaluationOrder(
        player, tuple(named), settings, seed, workers, device, games, until_sure, as_json
    )


def _one_line(error: msgspec.ValidationError) -> str:
    text = " ".join(str(error).split()).removeprefix("rating: ")
    return text.replace("- at `$.", "- in `")


def run_evaluation(order: EvaluationOrder) -> int:
    """Play, print what was found, and return the exit status; what is known after Ctrl+C too.

    Raises:
        RunError: a checkpoint cannot be used, or OpenSpiel is not installed.
        ValueError: the device is not there.
    """
    began = time.monotonic()
    stopping = threading.Event()
    console = Console(stderr=True)
    if console.is_terminal:
        console.print("loading torch and the kernels; where none are compiled yet, half a minute …")
    prepared = _prepare(order)
    evaluation, calibration = prepared.evaluation, None
    total = order.settings.deals * len(order.opponents)
    if not order.whole_games:
        total += prepared.calibration.rounds
    status = 0
    # In a thread of its own, so that Ctrl+C waits for no block that is being played.
    with Tally(console, _units(order), total) as tally:
        playing = ThreadPoolExecutor(1).submit(_play, order, prepared, stopping, tally)
        try:
            calibration = playing.result()
        except KeyboardInterrupt:
            stopping.set()
            status = INTERRUPTED
    found = evaluation.found()
    if order.as_json:
        document = _document(order, evaluation, found, time.monotonic() - began)
        print(json.dumps(document | {"calibration": _calibrated(calibration)}))  # noqa: T201
    else:
        if status == INTERRUPTED:
            print("interrupted: this is what was known")  # noqa: T201
        _print(order, evaluation, found)
        if calibration is not None:
            _print_calibration(calibration)
    return status


def _prepare(order: EvaluationOrder) -> _Prepared:
    """Load what takes seconds: torch, the kernels, the networks."""
    from blobmaster.agents.making import make_opponents
    from blobmaster.agents.network import trained_player
    from blobmaster.checkpoint.network import load_trained
    from blobmaster.evaluation.calibration import CalibrationMatch
    from blobmaster.evaluation.matches import Arena
    from blobmaster.evaluation.measure import Evaluation
    from blobmaster.inference.evaluator import choose_device
    from blobmaster.kernels.rng import generator
    from blobmaster.selfplay.pool import default_workers

    device = choose_device(order.device)
    trained = load_trained(order.player.path, device)
    players = make_opponents(order.opponents, trained, device)
    players[order.player.text] = trained_player(trained, order.player.search, device)
    arena = Arena(
        players,
        order.settings,
        lambda _, block: generator(order.seed, "evaluation", block),
        whole_games=order.whole_games,
    )
    evaluation = Evaluation(
        order.player.text,
        [opponent.text for opponent in order.opponents],
        arena,
        order.settings,
        order.seed,
        until_sure=order.until_sure,
    )
    calibration = CalibrationMatch(
        order.settings, lambda block: generator(order.seed, "evaluation calibration", block)
    )
    return _Prepared(evaluation, calibration, trained, default_workers(order.workers))


def _play(
    order: EvaluationOrder, prepared: _Prepared, stopping: threading.Event, tally: Tally
) -> Calibration | None:
    from blobmaster.inference.evaluator import use_one_thread
    from blobmaster.selfplay.pool import LocalPool

    pool = LocalPool(prepared.workers, prepare=use_one_thread)
    for found in prepared.evaluation.play(
        pool, should_stop=stopping.is_set, on_deals=tally.advance
    ):
        ahead = (
            f"wins {_percent(found.wins)} %"
            if order.whole_games
            else f"ahead by {_signed(found.lead)}"
        )
        tally.say(
            f"against {found.opponent}: {found.points.value:.2f} points a {_unit(order)}, "
            f"{ahead}, after {found.deals} {_units(order)}"
        )
    if order.whole_games:
        return None  # its bids are calibrated on rounds that stand alone
    trained = prepared.trained
    device = next(trained.network.parameters()).device
    return prepared.calibration.play(
        trained.network, device, pool, should_stop=stopping.is_set, on_rounds=tally.advance
    )


def _unit(order: EvaluationOrder) -> str:
    """What points are counted for."""
    return "game" if order.whole_games else "round"


def _units(order: EvaluationOrder) -> str:
    """What is played from every seat."""
    return "games" if order.whole_games else "deals"


def _print(order: EvaluationOrder, evaluation: Evaluation, found: Sequence[Found]) -> None:
    console = Console(highlight=False, markup=False, width=200)
    settings = order.settings
    console.print(f"{order.player.text}, {_described(order)}, seed {order.seed}; 95 % intervals")
    if not found:
        console.print(f"nothing is known yet: no block of {_units(order)} was finished")
        return
    elos = evaluation.elos()
    points, deals = f"points a {_unit(order)}", _units(order)
    heads = ("against", points, "exact bids %", "wins %", "ahead by", "its Elo", deals)
    table = Table(*heads, box=None)
    for row in found:
        table.add_row(
            row.opponent,
            _plain(row.points),
            _percent(row.exact),
            _percent(row.wins),
            _signed(row.lead),
            _whole(elos[row.opponent]) if row.opponent != ANCHOR else "1000",
            str(row.deals),
        )
    console.print(table)
    console.print(
        f"Elo {_whole(elos[order.player.text])}, 1000 is its network before training; "
        f"an even share of wins is {100 / settings.players:.1f} %"
    )


def _print_calibration(found: Calibration) -> None:
    """What the network says of its bids, and what came of them."""
    bid, later = found.at_bid, found.at_first_card
    console = Console(highlight=False, markup=False, width=200)
    console.print(
        f"calibration of its P(exact), itself at every seat, no search: error "
        f"{100 * bid.error:.1f} % when it bids ({100 * bid.chance:.1f} % would be chance), "
        f"{100 * later.error:.1f} % at its first card ({100 * later.chance:.1f} %)"
    )
    table = Table("cards", "P(exact) %", "made %", "bid", "tricks", "bids", box=None)
    for row in found.by_cards:
        shares = (f"{100 * share:.1f}" for share in (row.said, row.made))
        means = (f"{mean:.2f}" for mean in (row.bid, row.tricks))
        table.add_row(str(row.cards), *shares, *means, str(row.bids))
    console.print(table)


def _calibrated(found: Calibration | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "at_bid": found.at_bid._asdict(),
        "at_first_card": found.at_first_card._asdict(),
        "by_cards": [row._asdict() for row in found.by_cards],
    }


def _described(order: EvaluationOrder) -> str:
    players, cards = order.settings.players, order.settings.cards
    if order.whole_games:
        return f"{players} players, games from {cards} cards, each once from every seat"
    return f"{players} players × {cards} cards, each deal once from every seat"


def _document(
    order: EvaluationOrder, evaluation: Evaluation, found: Sequence[Found], seconds: float
) -> dict[str, Any]:
    """What `--json` prints; an estimate is its value with the ends of its interval."""
    elos = evaluation.elos() if found else {}
    return {
        "player": order.player.text,
        "elo": elos[order.player.text]._asdict() if found else None,
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
        "players": order.settings.players,
        "cards": order.settings.cards,
        "deals": order.settings.deals,
        "games": order.whole_games,
        "seed": order.seed,
        "until_sure": order.until_sure,
        "seconds": round(seconds, 1),
    }


def _plain(found: Estimate) -> str:
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _signed(found: Estimate) -> str:
    value, low, high = (round(number, 2) + 0.0 for number in found)  # no -0.00
    return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"


def _percent(found: Estimate) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _whole(found: Estimate) -> str:
    return f"{found.value:.0f} ({found.low:.0f} to {found.high:.0f})"
