"""`blobmaster evaluate --matrix`: plays a run's checkpoints against each other."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console

from blobmaster.evaluation.ending import run_to_end
from blobmaster.evaluation.matrix.output import as_matrix, document, heat_map, print_table
from blobmaster.evaluation.matrix.request import MatrixRequest
from blobmaster.matrix.file import Matrix, write
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.files.output_file import write_problem
from blobmaster.terminal.console import Tally

if TYPE_CHECKING:
    import torch

    from blobmaster.evaluation.matches import Arena


def run_matrix(request: MatrixRequest) -> int:
    """Play, print the table, write the heat map.

    Ctrl+C and the loss of a cluster show the results so far.

    Raises:
        RunError: a checkpoint cannot be used, or the heat map cannot be written.
        ValueError: the device is not available.
    """
    from blobmaster.evaluation.matrix.table import Matrix
    from blobmaster.inference.evaluator import choose_device

    began, stopping = time.monotonic(), threading.Event()
    device = choose_device(request.device)
    for reason in request.unusable:
        _say(f"a checkpoint is left out: {reason}")
    arena, run_id = _arena(request, device)
    names = [player.text for player in request.players]
    matrix = Matrix(names, arena, request.settings, request.seed)
    with (
        request.backend.pool(request.workers, device) as pool,
        Tally(Console(stderr=True), "deals", matrix.total_deals) as tally,
    ):
        ending = run_to_end(
            lambda: matrix.play(pool, should_stop=stopping.is_set, on_deals=tally.advance),
            stopping,
        )
    made = as_matrix(request, matrix.found(), run_id)
    if request.as_json:
        print(json.dumps(document(request, made, time.monotonic() - began)))  # noqa: T201 (the answer)
    else:
        if ending.note is not None:
            print(ending.note)  # noqa: T201 (the answer)
        print_table(made)
    if request.output is not None:
        _write(request, heat_map(request, made))
    if ending.is_complete:  # a whole matrix of earlier is better than a part of a new one
        _keep(request, made)
    ending.report_problem()
    return ending.status


def _arena(request: MatrixRequest, device: torch.device) -> tuple[Arena, str]:
    """Load torch, the kernels and the networks, which takes seconds; also return the run's id."""
    from blobmaster.agents.factory import make_opponents
    from blobmaster.checkpoint.network import load_trained
    from blobmaster.evaluation.matches import Arena, SameDeals

    newest = load_trained(request.players[-1].path, device)
    arena = Arena(
        make_opponents(request.players, newest, device),
        request.settings,
        SameDeals(request.seed, "matrix"),
    )
    return arena, newest.meta.identity.run_id


def _write(request: MatrixRequest, page: str) -> None:
    assert request.output is not None
    try:
        atomic.replace(request.output, page.encode())
    except OSError as error:
        raise RunError(write_problem(request.output, error)) from None
    if not request.as_json:
        print(f"{request.output}: the same as a heat map")  # noqa: T201 (the answer)


def _keep(request: MatrixRequest, made: Matrix) -> None:
    """Leave the result in the run directory for the report; tell if that is not possible."""
    path = RunLayout(request.run).matrix
    # Not an error: the directory may be read-only or another user's, and the answer is printed.
    if (problem := write(path, made)) is not None:
        _say(f"the report will not show this matrix: {problem}")
    elif not request.as_json:
        print(f"{path}: for blobmaster report")  # noqa: T201 (the answer)


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)
