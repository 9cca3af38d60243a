"""Connects to a Ray cluster, or starts Ray on this machine, and plays blocks by its actors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

from blobmaster.cluster.actor import packed, unpacked
from blobmaster.cluster.address import check_address, refusal
from blobmaster.cluster.driver_process import DriverProcess
from blobmaster.cluster.errors import ClusterError, DriverLostError
from blobmaster.cluster.hosts import host_facts
from blobmaster.cluster.library import require_ray
from blobmaster.cluster.remote_crew import RemoteCrew
from blobmaster.cluster.schedule import Counts, play_blocks
from blobmaster.run.container import usable_cores
from blobmaster.run.status.schema import Host
from blobmaster.selfplay.pool import Job, Result

JOIN_S = 20.0
"""Timeout of joining a cluster, for which Ray would wait for minutes."""
START_S = 120.0
"""Timeout of starting Ray on this machine, which may be busy."""


ShowHosts = Callable[[Sequence[Host], int, int], None]
"""Called about once a second while blocks are played: with the hosts that have actors, and the
number of blocks so far that were lost and repeated."""


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

    def pool(self, show: ShowHosts) -> RayPool:
        """Connect, or start Ray; return the pool of the cluster's actors, which start now.

        Args:
            show: see `ShowHosts`.

        Raises:
            ClusterError: no cluster can be joined, or Ray does not start.
        """
        ours = host_facts()

        def connect() -> DriverProcess:
            driver = self._join()
            driver.ask("recruit", self._workers, self._mixed_hosts, ours)
            return driver

        counts = Counts()
        crew = RemoteCrew(connect, lambda hosts: show(hosts, counts.lost, counts.repeated))
        self._crews.callback(crew.close)
        return RayPool(crew, counts)

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


class RayPool:
    """A `Pool` of the actors of a cluster."""

    def __init__(self, crew: RemoteCrew, counts: Counts) -> None:
        self._crew = crew
        self._counts = counts
        self.core_seconds_elsewhere = 0.0

    def map(
        self,
        job: Job[Result],
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_units: Callable[[int], None],
    ) -> Iterator[tuple[int, Result]]:
        """See `Pool`; `on_units` is called once for each block.

        Raises:
            ClusterError: a block fails everywhere, no worker is left, or the cluster is lost.
        """
        self._crew.begin(packed(job))
        try:
            for event in play_blocks(
                self._crew, blocks, should_stop=should_stop, counts=self._counts
            ):
                assert event.block is not None
                assert event.result is not None
                self.core_seconds_elsewhere += event.core_seconds
                on_units(event.units)
                yield event.block, unpacked(event.result)
        finally:
            self._crew.end()
