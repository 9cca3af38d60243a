"""Past opponents: earlier networks of a run that the newest is rated against."""

from __future__ import annotations

import logging

import torch

from blobmaster.checkpoint.network import load_trained
from blobmaster.config.config import Config
from blobmaster.evaluation.doubling import halfway
from blobmaster.evaluation.ratings import network_name
from blobmaster.model.network import BlobNetwork
from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.checkpoints.store import CheckpointEntry
from blobmaster.run.errors import CheckpointError
from blobmaster.run.session import RunSession

log = logging.getLogger(__name__)


class PastOpponents:
    """Networks of rated iterations, loaded from the run's permanent checkpoints when needed."""

    def __init__(self, config: Config, session: RunSession, device: torch.device) -> None:
        self._config = config
        self._session = session
        self._device = device
        self._networks: dict[str, BlobNetwork] = {}

    def before(self, iteration: int) -> dict[str, BlobNetwork]:
        """Return the networks of the newest ratings before an iteration (0-based), by name.

        A missing or damaged checkpoint is skipped and logged: a rating with fewer opponents is less
        precise, but the run goes on.
        """
        # The checkpoint of the last rating may still be on its way to the disk.
        self._session.wait_for_commit()
        rated = [number for number in range(iteration) if is_permanent(number)]
        wanted = rated[max(len(rated) - self._config.rating.earlier, 0) :]
        entries = {
            entry.name.iteration: entry
            for entry in self._session.store.entries()
            if entry.permanent and entry.name.iteration in wanted
        }
        found: dict[str, BlobNetwork] = {}
        for number in wanted:
            name = network_name(number)
            try:
                found[name] = self._networks.get(name) or self._load(entries[number])
            except KeyError:
                log.warning("rating without %s: its checkpoint is gone", name)
            except CheckpointError as error:
                log.warning("rating without %s: %s", name, error)
        self._networks = found
        return found

    def at_half(self, iteration: int) -> tuple[int, BlobNetwork] | None:
        """Return the rated network at about half of the rounds of an iteration (0-based).

        Returns:
            Its iteration (0-based) and the network; None if there is none, or if the settings leave
            the match out.
        """
        if self._config.rating.doubling_deals == 0:
            return None
        units = {number: self._config.units(number) for number in range(iteration + 1)}
        rated = [number for number in range(iteration) if is_permanent(number)]
        number = halfway(iteration, units, rated)
        if number is None:
            return None
        self._session.wait_for_commit()
        name = network_name(number)
        if name in self._networks:
            return number, self._networks[name]
        for entry in self._session.store.entries():
            if entry.permanent and entry.name.iteration == number:
                try:
                    return number, self._load(entry)
                except CheckpointError as error:
                    log.warning("rating without the gain since %s: %s", name, error)
                    return None
        log.warning("rating without the gain since %s: its checkpoint is gone", name)
        return None

    def _load(self, entry: CheckpointEntry) -> BlobNetwork:
        trained = load_trained(entry.path, self._device)
        if trained.meta.identity != self._session.identity:
            raise CheckpointError(f"{entry.path.name} belongs to another run")
        return trained.network
