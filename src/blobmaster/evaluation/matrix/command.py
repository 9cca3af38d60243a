"""`blobmaster evaluate --matrix`: plays a run's checkpoints against each other."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.evaluation.matrix.output import document, heat_map, print_table
from blobmaster.evaluation.matrix.request import MatrixRequest
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import write_problem
from blobmaster.terminal.console import Tally, call_interruptibly

if TYPE_CHECKING:
    from blobmaster.evaluation.matches import Arena

INTERRUPTED = 130


def run_matrix(request: MatrixRequest) -> int:
    """Play, print the table, write the heat map; Ctrl+C shows the results so far.

    Raises:
        RunError: a checkpoint cannot be used, or the heat map cannot be written.
        ValueError: the device is not available.
    """
    from blobmaster.evaluation.matrix.table import Matrix
    from blobmaster.inference.evaluator import use_one_thread
    from blobmaster.selfplay.pool import LocalPool, default_workers

    began, stopping, status = time.monotonic(), threading.Event(), 0
    arena = _arena(request)
    names = [player.text for player in request.players]
    matrix = Matrix(names, arena, request.settings, request.seed)
    pool = LocalPool(default_workers(request.workers), prepare=use_one_thread)
    with Tally(Console(stderr=True), "deals", matrix.total_deals) as tally:
        try:
            call_interruptibly(
                lambda: matrix.play(pool, should_stop=stopping.is_set, on_deals=tally.advance)
            )
        except KeyboardInterrupt:
            stopping.set()
            status = INTERRUPTED
    cells = matrix.found()
    if request.as_json:
        print(json.dumps(document(request, cells, time.monotonic() - began)))  # noqa: T201
    else:
        if status == INTERRUPTED:
            print("interrupted: the results so far")  # noqa: T201
        print_table(request, cells)
    if request.output is not None:
        _write(request, heat_map(request, cells))
    return status


def _arena(request: MatrixRequest) -> Arena:
    """Load torch, the kernels and the networks, which takes seconds."""
    from blobmaster.agents.factory import make_opponents
    from blobmaster.checkpoint.network import load_trained
    from blobmaster.evaluation.matches import Arena
    from blobmaster.inference.evaluator import choose_device
    from blobmaster.kernels.rng import generator

    device = choose_device(request.device)
    newest = load_trained(request.players[-1].path, device)
    return Arena(
        make_opponents(request.players, newest, device),
        request.settings,
        lambda _, block: generator(request.seed, "matrix", block),
    )


def _write(request: MatrixRequest, page: str) -> None:
    assert request.output is not None
    try:
        atomic.replace(request.output, page.encode())
    except OSError as error:
        raise RunError(write_problem(request.output, error)) from None
    if not request.as_json:
        print(f"{request.output}: the same as a heat map")  # noqa: T201
