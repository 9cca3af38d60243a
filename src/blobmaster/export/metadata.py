"""The metadata of an exported file: its origin and the meaning of its inputs and outputs."""

from __future__ import annotations

import json
from importlib.metadata import version

from blobmaster.game.cards import MAX_CARDS, RANK_SYMBOLS, SUITS
from blobmaster.model.features import INDEX
from blobmaster.model.game_features import view_index
from blobmaster.run.checkpoints.store import CheckpointMeta

FORMAT = 1
"""Version of the entries; increased when their readers have to change."""


def metadata(meta: CheckpointMeta, *, sees_games: bool = False) -> dict[str, str]:
    """Return the entries of `metadata_props`; tables are JSON. See docs/onnx.md."""
    index = view_index() if sees_games else INDEX
    entries = {
        "format": str(FORMAT),
        "blobmaster": version("blobmaster"),
        "run_id": meta.identity.run_id,
        "architecture": str(meta.identity.architecture),
        "iteration": str(meta.iteration + 1),
        "observation_index": json.dumps(
            {name: [group.start, group.stop] for name, group in index.items()}
        ),
        "action_table": json.dumps(action_table()),
        "trick_layout": json.dumps(["row", "seat relative to the observer", "tricks at the end"]),
    }
    if meta.elo is not None:
        entries["elo"] = f"{meta.elo:.0f}"
    return entries


def action_table() -> list[str]:
    """Name the action of each logit: `slot 0 Q` is a card in canonical suits, `bid 2` a bid."""
    cards = [f"slot {slot} {rank}" for slot in range(SUITS) for rank in RANK_SYMBOLS]
    return cards + [f"bid {tricks}" for tricks in range(MAX_CARDS + 1)]
