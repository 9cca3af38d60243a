"""`blobmaster evaluate`: measures a checkpoint against chosen opponents."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from blobmaster.evaluation.breakdown.output import breakdown_document, print_breakdown
from blobmaster.evaluation.ending import run_to_end
from blobmaster.evaluation.output import (
    calibration_document,
    document,
    opponent_line,
    print_calibration,
    print_results,
)
from blobmaster.evaluation.request import EvaluationRequest, table_settings
from blobmaster.terminal.console import Tally

if TYPE_CHECKING:
    import torch

    from blobmaster.checkpoint.network import TrainedNetwork
    from blobmaster.config.rating import RatingSettings
    from blobmaster.evaluation.breakdown.table import BreakdownMatches
    from blobmaster.evaluation.calibration import Calibration, CalibrationMatch
    from blobmaster.evaluation.matches import Arena
    from blobmaster.evaluation.measure import Evaluation
    from blobmaster.selfplay.pool import Pool


class _Prepared(NamedTuple):
    """Everything that an evaluation plays."""

    evaluation: Evaluation
    breakdown: BreakdownMatches
    calibration: CalibrationMatch
    trained: TrainedNetwork
    device: torch.device


def run_evaluation(request: EvaluationRequest) -> int:
    """Play, print the results and return the exit status.

    Ctrl+C and the loss of a cluster print the results so far.

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
    evaluation = prepared.evaluation
    calibration: Calibration | None = None
    total = request.settings.deals * len(request.opponents) + prepared.breakdown.total_deals
    if not request.whole_games:
        total += prepared.calibration.rounds

    def measure() -> None:
        nonlocal calibration
        calibration = _play(request, prepared, pool, stopping, tally)

    with (
        request.backend.pool(request.workers, prepared.device) as pool,
        Tally(console, request.units, total) as tally,
    ):
        ending = run_to_end(measure, stopping)
    found, tables = evaluation.found(), prepared.breakdown.tables()
    if request.as_json:
        results = document(request, evaluation, found, time.monotonic() - began)
        results["by"] = breakdown_document(tables)
        results["calibration"] = calibration_document(calibration)
        print(json.dumps(results))  # noqa: T201 (the answer)
    else:
        if ending.note is not None:
            print(ending.note)  # noqa: T201 (the answer)
        print_results(request, evaluation, found)
        print_breakdown(request.settings, tables)
        if calibration is not None:
            print_calibration(calibration)
    ending.report_problem()
    return ending.status


def _prepare(request: EvaluationRequest) -> _Prepared:
    """Load torch, the kernels and the networks, which takes seconds."""
    from blobmaster.agents.factory import make_opponents
    from blobmaster.agents.network import trained_player
    from blobmaster.checkpoint.network import load_trained
    from blobmaster.evaluation.breakdown.table import BreakdownMatches
    from blobmaster.evaluation.calibration import CalibrationMatch
    from blobmaster.evaluation.matches import Arena, SameDeals
    from blobmaster.evaluation.measure import Evaluation
    from blobmaster.inference.evaluator import choose_device
    from blobmaster.kernels.rng import generator

    device = choose_device(request.device)
    trained = load_trained(request.player.path, device)
    made = make_opponents(request.opponents, trained, device)
    made[request.player.text] = trained_player(trained, request.player.search, device)
    arena = Arena(
        made,
        request.settings,
        SameDeals(request.seed, "evaluation"),
        whole_games=request.whole_games,
        earlier=request.after,
    )
    evaluation = Evaluation(
        request.player.text,
        [opponent.text for opponent in request.opponents],
        arena,
        request.settings,
        request.seed,
        until_sure=request.until_sure,
    )

    def arena_of(players: int, cards: int) -> tuple[Arena, RatingSettings]:
        size = table_settings(players, cards, request.settings.deals)
        draws = SameDeals(request.seed, "evaluation by size", (players, cards))
        return Arena(made, size, draws), size

    breakdown = BreakdownMatches(request.by, evaluation, arena_of, request.settings, request.seed)
    calibration = CalibrationMatch(
        request.settings, partial(generator, request.seed, "evaluation calibration")
    )
    return _Prepared(evaluation, breakdown, calibration, trained, device)


def _play(
    request: EvaluationRequest,
    prepared: _Prepared,
    pool: Pool,
    stopping: threading.Event,
    tally: Tally,
) -> Calibration | None:
    for found in prepared.evaluation.play(
        pool, should_stop=stopping.is_set, on_deals=tally.advance
    ):
        tally.say(opponent_line(request, found))
    prepared.breakdown.play(pool, should_stop=stopping.is_set, on_deals=tally.advance)
    if request.whole_games:
        return None  # calibration is measured on single rounds
    return prepared.calibration.play(
        prepared.trained.network,
        prepared.device,
        pool,
        should_stop=stopping.is_set,
        on_rounds=tally.advance,
    )
