"""`blobmaster export -o`: writes a checkpoint's actor as ONNX after comparing it with torch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import click
import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from rich.filesize import decimal

from blobmaster.checkpoint.network import load_trained
from blobmaster.export.metadata import metadata
from blobmaster.export.onnx_graph import ACTIONS, BIDS, OBSERVATION, TRICKS, actor_model
from blobmaster.model.layers import NetworkPart
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import output_problem, write_problem

TOLERANCE: Final = 1e-4
"""Largest allowed difference between a logit and torch's."""

BATCHES: Final = (1, 2, 7, 64)
"""Batch sizes to compare; the first is also timed."""

TIMED: Final = 200
"""Repetitions of the timing."""

Rows = npt.NDArray[np.float32]


class ExportError(RunError):
    """The export failed; `str()` is one line."""


@dataclass(frozen=True)
class CheckResult:
    """The comparison of an exported model with torch."""

    difference: float
    """Largest difference between the logits."""
    milliseconds: float
    """Median time of one decision on one core."""


def run_export(checkpoint: Path, output: Path) -> int:
    """Export the actor of `checkpoint` to `output`, replacing the file; return exit status 0.

    Raises:
        RunError: the checkpoint cannot be used, the file cannot be written, or the model differs
            from torch. In these cases, nothing is written.
    """
    if (problem := output_problem(output, _is_model)) is not None:
        raise ExportError(problem)
    trained = load_trained(checkpoint, torch.device("cpu"))
    actor = trained.network.actor
    model = actor_model(
        actor, metadata(trained.meta, sees_games=trained.network.sees_games)
    ).SerializeToString()
    result = check_model(model, actor)
    try:
        atomic.replace(output, model)
    except OSError as error:
        raise ExportError(write_problem(output, error)) from None
    click.echo(
        f"{output}: {decimal(len(model))}, within {result.difference:.1g} of torch, "
        f"{result.milliseconds:.2f} ms a decision on one core"
    )
    return 0


def _is_model(head: bytes) -> bool:
    """Return True if a file begins like an exported model: its version, then its producer."""
    # Fields 1 and 2 of ModelProto in protobuf's wire format; protobuf writes them in this order.
    return head[:1] == b"\x08" and head[2:4] == b"\x12\x0a" and head[4:14] == b"blobmaster"


def check_model(model: bytes, actor: NetworkPart) -> CheckResult:
    """Compare a model in onnxruntime with torch, on random batches of several sizes.

    Raises:
        ExportError: a logit differs by more than `TOLERANCE`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # 15 % of the features are 1, about as many as in real observations.
    generator = np.random.default_rng(0)
    batches = [generator.random((count, actor.inputs)) < 0.15 for count in BATCHES]
    rows = [batch.astype(np.float32) for batch in batches]
    difference = float(np.max([_difference(session, actor, batch) for batch in rows]))
    if not difference <= TOLERANCE:  # written so that a NaN fails too
        raise ExportError(
            f"the exported model differs from torch by {difference:.1g}, more than {TOLERANCE}: "
            "nothing was written; try it with the pinned onnx and onnxruntime"
        )
    return CheckResult(difference, _milliseconds(session, rows[0]))


def _difference(session: onnxruntime.InferenceSession, actor: NetworkPart, rows: Rows) -> float:
    actions, tricks, bids = session.run([ACTIONS, TRICKS, BIDS], {OBSERVATION: rows})
    with torch.inference_mode():
        wanted = actor(torch.from_numpy(rows)).numpy()
    found = np.concatenate([actions, tricks.reshape(len(rows), -1), bids], axis=1)
    return float(np.abs(found - wanted).max())


def _milliseconds(session: onnxruntime.InferenceSession, row: Rows) -> float:
    taken = []
    for _ in range(TIMED):
        since = time.perf_counter()
        session.run([ACTIONS], {OBSERVATION: row})
        taken.append(1000 * (time.perf_counter() - since))
    return median(taken)
