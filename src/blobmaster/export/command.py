"""`blobmaster export`: writes a checkpoint's player to an ONNX file, held against torch first."""

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
from blobmaster.export.graph import ACTIONS, BIDS, OBSERVATION, TRICKS, actor_model
from blobmaster.export.metadata import metadata
from blobmaster.model.layers import NetworkPart
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic

TOLERANCE: Final = 1e-4
"""The most that a logit may differ from torch's."""

BATCHES: Final = (1, 2, 7, 64)
"""Rows that are compared; the first is also timed."""

TIMED: Final = 200
Rows = npt.NDArray[np.float32]


class ExportError(RunError):
    """The file could not be made; `str()` is one line."""


@dataclass(frozen=True)
class Checked:
    """What a model was seen to do."""

    difference: float
    """The largest between its logits and torch's."""
    milliseconds: float
    """Of a single decision on one core; the median."""


def run_export(checkpoint: Path, output: Path) -> int:
    """Export the player of `checkpoint` to `output`, over what is there; returns exit status 0.

    Raises:
        RunError: the checkpoint cannot be used, the file cannot be written, or the model does not
            compute what torch computes; nothing is written then.
    """
    trained = load_trained(checkpoint, torch.device("cpu"))
    actor = trained.network.actor
    model = actor_model(
        actor, metadata(trained.meta, sees_games=trained.network.sees_games)
    ).SerializeToString()
    checked = check_model(model, actor)
    try:
        atomic.replace(output, model)
    except OSError as error:
        raise ExportError(f"cannot write {output}: {error.strerror}") from None
    click.echo(
        f"{output}: {decimal(len(model))}, within {checked.difference:.1g} of torch, "
        f"{checked.milliseconds:.2f} ms a decision on one core"
    )
    return 0


def check_model(model: bytes, actor: NetworkPart) -> Checked:
    """Hold a model's answers in onnxruntime against torch's, for batches of several sizes.

    Raises:
        ExportError: a logit differs by more than `TOLERANCE`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    chance = np.random.default_rng(0)
    batches = [chance.random((count, actor.inputs)) < 0.15 for count in BATCHES]
    rows = [batch.astype(np.float32) for batch in batches]
    difference = float(np.max([_difference(session, actor, batch) for batch in rows]))
    if not difference <= TOLERANCE:  # "not within": a NaN is neither
        raise ExportError(
            f"the exported model differs from torch by {difference:.1g}, more than {TOLERANCE}: "
            "nothing was written; try it with the pinned onnx and onnxruntime"
        )
    return Checked(difference, _milliseconds(session, rows[0]))


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
