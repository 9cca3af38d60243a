"""Connects to a Ray cluster, or starts Ray on this machine, and plays blocks by its actors."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Self

from blobmaster.cluster.address import check_address
from blobmaster.cluster.crew import Call, RayCrew
from blobmaster.cluster.errors import ClusterError, one_line
from blobmaster.cluster.library import keep_local, load_ray
from blobmaster.cluster.schedule import play_blocks
from blobmaster.config.network import NetworkSettings
from blobmaster.config.search import SearchSettings
from blobmaster.game.records import Rounds
from blobmaster.model.network import BlobNetwork
from blobmaster.run.container import usable_cores
from blobmaster.selfplay.engine import EngineSettings

SHUTDOWN_S = 0.7
"""Wait for the end of Ray. A trainer that receives a signal promises to be gone within 2 s."""
STORE_BYTES = 512 << 20
"""Size of a local object store: it holds a few versions of the weights."""


class RayCluster:
    """A context manager that holds the connection to a cluster, or Ray on this machine."""

    def __init__(self, address: str | None, workers: int, *, mixed_hosts: bool) -> None:
        """Connect, or start Ray; to be called in the main thread.

        Args:
            address: `HOST:PORT` or `auto`; None to start Ray on this machine.
            workers: the most actors; 0 for one per CPU.
            mixed_hosts: use hosts that differ from this one.

        Raises:
            ClusterError: there is no Ray, or no cluster at the address.
        """
        if address is None:
            keep_local()  # before the import, which reads the environment
        self._ray = load_ray()
        self._workers = workers
        self._mixed_hosts = mixed_hosts
        if address is not None:
            check_address(address)
        # Ray sets a handler for SIGTERM that raises `SystemExit` inside a step.
        before = signal.getsignal(signal.SIGTERM)
        try:
            self._connect(address, workers or usable_cores())
        except (RuntimeError, ConnectionError, ValueError, OSError) as error:
            raise ClusterError(f"Ray does not start: {one_line(error)}") from None
        finally:
            signal.signal(signal.SIGTERM, before)

    def _connect(self, address: str | None, workers: int) -> None:
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        if address is not None:
            self._ray.init(address=address, **quiet)
            return
        self._ray.init(
            address="local",
            num_cpus=workers,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            **quiet,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # In a thread: Ray waits for its processes one by one. They die with this one in any case,
        # as children by the kernel's hand, as actors of a cluster when their owner is gone.
        ending = threading.Thread(target=self._ray.shutdown, daemon=True)
        ending.start()
        ending.join(SHUTDOWN_S)

    def player(self, settings: EngineSettings, network: NetworkSettings) -> RayPlayer:
        """Return the player of a run's blocks, whose actors start now."""
        crew = RayCrew(
            self._ray, settings, network, most=self._workers, mixed_hosts=self._mixed_hosts
        )
        return RayPlayer(self._ray, crew)


class RayPlayer:
    """A `PlaysBlocks` by the actors of a cluster."""

    def __init__(self, ray: ModuleType, crew: RayCrew) -> None:
        self._ray = ray
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
            ClusterError: a block fails everywhere, or no worker is left.
        """
        self._version += 1
        state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        call = Call(self._version, [self._ray.put(state)], iteration, search, units)
        self._crew.begin(call)
        try:
            yield from play_blocks(self._crew, blocks, should_stop=should_stop, on_rounds=on_rounds)
        finally:
            self._crew.end()
