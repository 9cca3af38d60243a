"""Checkpoint files of small untrained networks, as a run commits them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from blobmaster.checkpoint.file import PROJECT, STATE_SCHEMA
from blobmaster.config.compose import as_tables, compose
from blobmaster.config.config import Config
from blobmaster.model.network import architecture, new_network, parameter_count
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.files.layout import RunLayout
from blobmaster.training.learner import Learner

SMALL = compose({"network": {"width": 32, "blocks": 1}})
SMALL_GAMES = compose({"run": {"training_on": "games"}}, base=SMALL)


def learner_state(config: Config = SMALL) -> dict[str, Any]:
    """Return the state that a run's learner saves."""
    seed = config.run.seed
    network = new_network(config.network, seed, sees_games=config.plays_games)
    return Learner(network, config.learning, seed, torch.device("cpu")).state_dict()


def save_network(root: Path, settings: Config = SMALL, /, **changes: Any) -> Path:
    """Save a permanent checkpoint in the run directory `root` and return its path.

    Args:
        root: the run directory.
        settings: the settings of the network.
        changes: replacements for fields of its identity, config or state, to make it invalid.
    """
    games = settings.plays_games
    network = new_network(settings.network, settings.run.seed, sees_games=games)
    identity = {
        "run_id": "made",
        "project": PROJECT,
        "architecture": architecture(sees_games=games),
        "parameters": parameter_count(network),
        "start_date": "20251113",
        "seed": settings.run.seed,
    }
    state = {"schema": STATE_SCHEMA, "learner": learner_state(settings)}
    meta = CheckpointMeta(
        identity=RunIdentity(**{key: changes.get(key, value) for key, value in identity.items()}),
        iteration=4,
        elo=1234.0,
        elapsed_seconds=60.0,
        saved_at=0.0,
        config=changes.get("config", as_tables(settings)),
        extra={},
    )
    store = CheckpointStore(RunLayout(root))
    path = store.path_of(meta, permanent=True)
    content = {key: changes.get(key, value) for key, value in state.items()}
    store.save(path, meta, lambda file: torch.save(content, file))
    return path
