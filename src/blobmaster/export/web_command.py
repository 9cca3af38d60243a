"""`blobmaster export --web`: writes a page to play on, or the network file alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import torch
from rich.filesize import decimal

from blobmaster.checkpoint.network import TrainedNetwork, load_trained
from blobmaster.export.network_file import network_file
from blobmaster.export.web_page import FIRST_LINES, web_page
from blobmaster.game.cards import SUITS
from blobmaster.inference.calibration_positions import random_positions
from blobmaster.model.features import FEATURES, encode_rows
from blobmaster.model.game_features import VIEW_FEATURES, encode_game_views
from blobmaster.model.layers import NetworkPart
from blobmaster.run.errors import RunError
from blobmaster.run.files import atomic
from blobmaster.run.files.output_file import output_problem, write_problem

POSITIONS: Final = 512
"""Positions of random play on which fp16 is compared with the network."""

TOLERANCE: Final = 0.05
"""Largest allowed difference between a logit and the network's. The usual one is below 0.01."""

NETWORK_START: Final = '{"blobmaster_network":'
"""First bytes of a network file; a file without them is never replaced by one."""


class WebExportError(RunError):
    """The export failed; `str()` is one line."""


def run_web_export(checkpoint: Path, levels: Sequence[Path], output: Path) -> int:
    """Write the player of `checkpoint` to `output`, replacing the file; return exit status 0.

    Args:
        checkpoint: the player that the page opens with.
        levels: other checkpoints to play against, as lower levels.
        output: a network file if its name ends in `.json`, else a page.

    Raises:
        RunError: a checkpoint cannot be used, or the file cannot be written. In these cases,
            nothing is written.
    """
    is_network = output.suffix == ".json"
    if is_network and levels:
        raise WebExportError(
            f"{output} would hold one network, without levels: name an .html file for the page"
        )
    start = NETWORK_START if is_network else FIRST_LINES
    if (problem := output_problem(output, start)) is not None:
        raise WebExportError(problem)
    networks, difference = _networks([checkpoint, *levels])
    text = _as_json(networks[0]) if is_network else web_page(networks)
    try:
        atomic.replace(output, text.encode())
    except OSError as error:
        raise WebExportError(write_problem(output, error)) from None
    click.echo(f"{output}: {decimal(len(text.encode()))}, within {difference:.1g} of torch")
    return 0


def _networks(checkpoints: Sequence[Path]) -> tuple[list[dict[str, Any]], float]:
    """Return the network files of checkpoints, and the largest difference of one from torch."""
    files: list[dict[str, Any]] = []
    differences: list[float] = []
    for path in checkpoints:
        trained = load_trained(path, torch.device("cpu"))
        try:
            file = network_file(trained)
        except ValueError as error:
            raise WebExportError(f"{path}: {error}") from None
        if any(_key(file) == _key(other) for other in files):
            raise WebExportError(f"{path} is there twice: give each --web-level another checkpoint")
        files.append(file)
        differences.append(_difference(trained))
        if not differences[-1] <= TOLERANCE:
            raise WebExportError(
                f"{path}: in fp16 a logit differs by {differences[-1]:.2g}, more than {TOLERANCE}: "
                "export an earlier checkpoint"
            )
    return files, max(differences)


def _key(file: dict[str, Any]) -> tuple[str, int]:
    """Return the key that identifies a network."""
    return file["run_id"], file["iteration"]


def _difference(trained: TrainedNetwork) -> float:
    """Return the largest difference of a logit if the actor's weights are rounded to fp16."""
    states = random_positions(POSITIONS)
    slots = np.zeros((POSITIONS, SUITS), np.int64)
    if trained.network.sees_games:
        rows = np.zeros((POSITIONS, VIEW_FEATURES), np.float32)
        encode_game_views(states, rows, slots)
    else:
        rows = np.zeros((POSITIONS, FEATURES), np.float32)
        encode_rows(states, rows, slots)
    actor = trained.network.actor
    with torch.inference_mode():
        inputs = torch.from_numpy(rows)
        return float((actor(inputs) - _rounded(actor)(inputs)).abs().max())


def _rounded(actor: NetworkPart) -> NetworkPart:
    rounded = copy.deepcopy(actor)
    for parameter in rounded.parameters():
        parameter.data = parameter.data.half().float()
    return rounded


def _as_json(network: dict[str, Any]) -> str:
    return json.dumps(network, separators=(",", ":")) + "\n"
