"""`blobmaster evaluate`: measures a checkpoint against chosen opponents."""

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
    from blobmaster.checkpoint.network import TrainedNetwork
    from blobmaster.evaluation.bootstrap import Estimate
    from blobmaster.evaluation.calibration import Calibration, CalibrationMatch
    from blobmaster.evaluation.measure import Evaluation, OpponentResult

DEFAULT_OPPONENTS = ("random", "heuristic", "ismcts-100")
"""The opponents if none is named."""

ANCHOR = "untrained"
"""The opponent that anchors the Elo; it is always played."""

DEALS_PER_BLOCK = 20
RESAMPLES = 2000
INTERRUPTED = 130


class _Prepared(NamedTuple):
    """Everything that an evaluation plays."""

    evaluation: Evaluation
    calibration: CalibrationMatch
    trained: TrainedNetwork
    workers: int


@dataclass(frozen=True)
class EvaluationRequest:
    """A validated request for an evaluation."""

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


def parse_request(
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
) -> EvaluationRequest:
    """Validate the arguments of the command line.

    Raises:
        ValueError: an argument is invalid; the message is one line.
    """
    player = checkpoint_player(checkpoint, search)
    named = dict.fromkeys([parse_player(ANCHOR), *map(parse_player, against or DEFAULT_OPPONENTS)])
    texts = [player.text, *(opponent.text for opponent in named)]
    for text in texts:
        if texts.count(text) > 1:
            raise ValueError(
                f"two players would be called {text}: name others, or rename a checkpoint"
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
    return EvaluationRequest(
        player, tuple(named), settings, seed, workers, device, games, until_sure, as_json
    )


def _one_line(error: msgspec.ValidationError) -> str:
    text = " ".join(str(error).split()).removeprefix("rating: ")
    return text.replace("- at `$.", "- in `")


def run_evaluation(request: EvaluationRequest) -> int:
    """Play, print the results and return the exit status; Ctrl+C prints the results so far.

    Raises:
        RunError: a checkpoint cannot be used, or an extra is not installed.
        ValueError: the device is not available.
    """
    began = time.monotonic()
    stopping = threading.Event()
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(
            "loading torch and the kernels; the first time, compiling takes half a minute …"
        )
    prepared = _prepare(request)
    evaluation, calibration = prepared.evaluation, None
    total = request.settings.deals * len(request.opponents)
    if not request.whole_games:
        total += prepared.calibration.rounds
    status = 0
    # Play in another thread, so that Ctrl+C, which Python raises in the main thread, does not wait
    # for the end of a block.
    with Tally(console, _units(request), total) as tally:
        playing = ThreadPoolExecutor(1).submit(_play, request, prepared, stopping, tally)
        try:
            calibration = playing.result()
        except KeyboardInterrupt:
            stopping.set()
            status = INTERRUPTED
    found = evaluation.found()
    if request.as_json:
        document = _document(request, evaluation, found, time.monotonic() - began)
        print(json.dumps(document | {"calibration": _calibrated(calibration)}))  # noqa: T201
    else:
        if status == INTERRUPTED:
            print("interrupted: the results so far")  # noqa: T201
        _print(request, evaluation, found)
        if calibration is not None:
            _print_calibration(calibration)
    return status


def _prepare(request: EvaluationRequest) -> _Prepared:
    """Load torch, the kernels and the networks, which takes seconds."""
    from blobmaster.agents.making import make_opponents
    from blobmaster.agents.network import trained_player
    from blobmaster.checkpoint.network import load_trained
    from blobmaster.evaluation.calibration import CalibrationMatch
    from blobmaster.evaluation.matches import Arena
    from blobmaster.evaluation.measure import Evaluation
    from blobmaster.inference.evaluator import choose_device
    from blobmaster.kernels.rng import generator
    from blobmaster.selfplay.pool import default_workers

    device = choose_device(request.device)
    trained = load_trained(request.player.path, device)
    players = make_opponents(request.opponents, trained, device)
    players[request.player.text] = trained_player(trained, request.player.search, device)
    arena = Arena(
        players,
        request.settings,
        lambda _, block: generator(request.seed, "evaluation", block),
        whole_games=request.whole_games,
    )
    evaluation = Evaluation(
        request.player.text,
        [opponent.text for opponent in request.opponents],
        arena,
        request.settings,
        request.seed,
        until_sure=request.until_sure,
    )
    calibration = CalibrationMatch(
        request.settings, lambda block: generator(request.seed, "evaluation calibration", block)
    )
    return _Prepared(evaluation, calibration, trained, default_workers(request.workers))


def _play(
    request: EvaluationRequest, prepared: _Prepared, stopping: threading.Event, tally: Tally
) -> Calibration | None:
    from blobmaster.inference.evaluator import use_one_thread
    from blobmaster.selfplay.pool import LocalPool

    pool = LocalPool(prepared.workers, prepare=use_one_thread)
    for found in prepared.evaluation.play(
        pool, should_stop=stopping.is_set, on_deals=tally.advance
    ):
        ahead = (
            f"wins {_percent(found.wins)} %"
            if request.whole_games
            else f"ahead by {_signed(found.lead)}"
        )
        tally.say(
            f"against {found.opponent}: {found.points.value:.2f} points a {_unit(request)}, "
            f"{ahead}, after {found.deals} {_units(request)}"
        )
    if request.whole_games:
        return None  # calibration is measured on single rounds
    trained = prepared.trained
    device = next(trained.network.parameters()).device
    return prepared.calibration.play(
        trained.network, device, pool, should_stop=stopping.is_set, on_rounds=tally.advance
    )


def _unit(request: EvaluationRequest) -> str:
    """Return the unit of the points."""
    return "game" if request.whole_games else "round"


def _units(request: EvaluationRequest) -> str:
    """Return the unit of what is played from every seat."""
    return "games" if request.whole_games else "deals"


def _print(
    request: EvaluationRequest, evaluation: Evaluation, found: Sequence[OpponentResult]
) -> None:
    console = Console(highlight=False, markup=False, width=200)
    settings = request.settings
    console.print(
        f"{request.player.text}, {_described(request)}, seed {request.seed}; 95 % intervals"
    )
    if not found:
        console.print(f"no results yet: no block of {_units(request)} was finished")
        return
    elos = evaluation.elos()
    points, deals = f"points a {_unit(request)}", _units(request)
    headings = ("against", points, "exact bids %", "wins %", "ahead by", "its Elo", deals)
    table = Table(*headings, box=None)
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
        f"Elo {_whole(elos[request.player.text])}, 1000 is its network before training; "
        f"an even share of wins is {100 / settings.players:.1f} %"
    )


def _print_calibration(found: Calibration) -> None:
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


def _calibrated(found: Calibration | None) -> dict[str, Any] | None:
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
    return f"{players} players × {cards} cards, each deal once from every seat"


def _document(
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
        "seed": request.seed,
        "until_sure": request.until_sure,
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
