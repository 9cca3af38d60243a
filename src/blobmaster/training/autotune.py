"""Choice of the `auto` settings by this machine, when a run starts."""

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
"""Legal actions of a typical decision."""

LARGEST_MEASURED = 512
"""Rows of the largest batch at which number formats are compared."""


def autotuned(config: Config, say: Callable[[str], None] = log.info) -> Config:
    """Return the settings with every `auto` replaced by this machine's choice.

    int8 becomes fp32 where torch computes it wrongly, also in a run that is resumed. The choices
    are saved with the run: a run resumed on another machine keeps them, since number format and
    threads change the bits of its results.

    Args:
        config: the settings.
        say: receives one line about each measurement.

    Raises:
        ValueError: the device is missing, or does not support the number format.
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
        say(f"self-play's network is in {inference.number_format}: {shown} evaluations/s per core")
    else:
        parts = convert(network, inference.number_format)  # raises if the device cannot do it
        if parts.critic is network.critic:
            # Also where this torch computes int8 wrongly: the name that is saved and is part of the
            # block key must be that of the bits.
            inference = msgspec.structs.replace(inference, number_format="fp32")
    return msgspec.structs.replace(config, learning=learning, inference=inference)


def _usual_batch(config: Config) -> int:
    """Return the rows of a typical batch in self-play, limited to what is quick to measure."""
    worlds = config.search.worlds if config.self_play.decide_by == "search" else CHOICES
    return min(config.self_play.lanes * worlds, LARGEST_MEASURED)
