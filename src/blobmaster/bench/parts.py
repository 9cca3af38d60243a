"""The parts of `blobmaster bench` by name, without loading what they measure."""

from __future__ import annotations

from typing import Final

PARTS: Final = {
    "selfplay": "blobmaster.bench.selfplay:measure_selfplay",
    "lookahead": "blobmaster.bench.selfplay:measure_lookahead",
    "turns": "blobmaster.bench.selfplay:measure_turns",
    "scaling": "blobmaster.bench.selfplay:measure_scaling",
    "formats": "blobmaster.bench.selfplay:measure_formats",
    "learner": "blobmaster.bench.speed:measure_learner",
    "checkpoint": "blobmaster.bench.files:measure_checkpoint",
    "status": "blobmaster.bench.files:measure_status",
    "engine": "blobmaster.bench.speed:measure_engine",
    "monitor": "blobmaster.bench.watching:measure_monitor",
    "watched": "blobmaster.bench.watching:measure_watched",
}
"""By name, the function that measures the part, in the order of a full run."""
