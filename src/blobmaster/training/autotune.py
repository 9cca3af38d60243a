"""What this machine decides of a run's settings when it starts, and the run then keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from blobmaster.config.config import Config
from blobmaster.inference.evaluator import choose_device
from blobmaster.inference.precision import PROVEN, convert, evaluations_per_second, fastest
from blobmaster.model.network import new_network
from blobmaster.selfplay.pool import default_workers
from blobmaster.training.learner import fastest_format

log = logging.getLogger(__name__)

CHOICES = 4
"""About as many actions are legal at a decision."""

LARGEST_MEASURED = 512
"""Of the batches that number formats are compared at."""


def autotuned(config: Config, say: Callable[[str], None] = log.info) -> Config:
    """The settings with what this machine decides written out, so that a resumed run keeps it.

    Args:
        config: the settings.
        say: told in a line how it was decided, where something was measured.

    Raises:
        ValueError: the device that is asked for is not there, or cannot do the number format.
    """
    device = choose_device(config.inference.device)
    learning, inference = config.learning, config.inference
    if learning.threads == 0:
        learning = msgspec.structs.replace(learning, threads=default_workers(0))
    if learning.number_format == "auto":
        learning = msgspec.structs.replace(learning, number_format=fastest_format(device))
    network = new_network(config.network, config.run.seed, sees_games=config.plays_games)
    network = network.to(device).eval()
    if inference.number_format == "auto":
        candidates = PROVEN["games" if config.plays_games else config.self_play.decide_by]
        speeds = evaluations_per_second(network, _usual_batch(config), candidates)
        inference = msgspec.structs.replace(inference, number_format=fastest(speeds))
        shown = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
        say(f"self-play's network is in {inference.number_format}: {shown} evaluations/s a core")
    else:
        convert(network, inference.number_format)
    return msgspec.structs.replace(config, learning=learning, inference=inference)


def _usual_batch(config: Config) -> int:
    """About as many rows as a step of self-play asks for, but no more than is soon measured."""
    worlds = config.search.worlds if config.self_play.decide_by == "search" else CHOICES
    return min(config.self_play.lanes * worlds, LARGEST_MEASURED)
