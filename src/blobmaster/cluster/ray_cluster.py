"""Connects to a Ray cluster, or starts Ray on this machine, and plays blocks by its actors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from blobmaster.cluster.address import check_address, refusal
from blobmaster.cluster.crew import Call
from blobmaster.cluster.driver_process import DriverProcess
from blobmaster.cluster.errors import ClusterError, DriverLostError
from blobmaster.cluster.hosts import host_facts
from blobmaster.cluster.library import require_ray
from blobmaster.cluster.remote_crew import RemoteCrew
from blobmaster.cluster.schedule import play_blocks
from blobmaster.config.network import NetworkSettings
from blobmaster.config.search import SearchSettings
from blobmaster.game.records import Rounds
from blobmaster.model.network import BlobNetwork
from blobmaster.run.container import usable_cores
from blobmaster.selfplay.engine import EngineSettings

JOIN_S = 20.0
"""Timeout of joining a cluster, for which Ray would wait for minutes."""
START_S = 120.0
"""Timeout of starting Ray on this machine, which may be busy."""


class RayCluster:
    """A context manager that holds the connection to a cluster, or Ray on this machine."""

    def __init__(self, address: str | None, workers: int, *, mixed_hosts: bool) -> None:
        """Check what can be checked at once.

        Args:
            address: `HOST:PORT` or `auto`; None to start Ray on this machine.
            workers: the most actors; 0 for one per CPU.
            mixed_hosts: use hosts that differ from this one.

        Raises:
            ClusterError: there is no Ray, or nothing at the address.
        """
        require_ray()
        if address is not None:
            check_address(address)
        self._address = address
        self._workers = workers
        self._mixed_hosts = mixed_hosts
        self._crews = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._crews.close()

    def player(self, settings: EngineSettings, network: NetworkSettings) -> RayPlayer:
        """Connect, or start Ray; return the player of a run's blocks, whose actors start now.

        Raises:
            ClusterError: no cluster can be joined, or Ray does not start.
        """
        ours = host_facts()

        def connect() -> DriverProcess:
            driver = self._join()
            driver.ask("recruit", settings, network, self._workers, self._mixed_hosts, ours)
            return driver

        crew = RemoteCrew(connect)
        self._crews.callback(crew.close)
        return RayPlayer(crew)

    def _join(self) -> DriverProcess:
        address = self._address
        if address is not None:
            check_address(address)
        driver = DriverProcess(is_local=address is None)
        try:
            cpus = self._workers or usable_cores()
            driver.ask("join", address, cpus, patience=START_S if address is None else JOIN_S)
        except (ClusterError, DriverLostError) as error:
            output = driver.output()
            driver.kill()
            raise refusal(address, str(error), output) from None
        return driver


class RayPlayer:
    """A `PlaysBlocks` by the actors of a cluster."""

    def __init__(self, crew: RemoteCrew) -> None:
        self._crew = crew
        self._version = 0

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        units: int,
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """See `PlaysBlocks`; `on_rounds` is called once for each block.

        Raises:
            ClusterError: a block fails everywhere, no worker is left, or the cluster is lost.
        """
        self._version += 1
        state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        self._crew.begin(Call(self._version, state, iteration, search, units))
        try:
            yield from play_blocks(self._crew, blocks, should_stop=should_stop, on_rounds=on_rounds)
        finally:
            self._crew.end()
