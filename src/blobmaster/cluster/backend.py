"""The choice of who plays the blocks, threads or a Ray cluster, as a command line makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from blobmaster.config.compose import ConfigError

if TYPE_CHECKING:
    import torch

    from blobmaster.cluster.ray_cluster import ShowHosts
    from blobmaster.selfplay.pool import Pool


@dataclass(frozen=True)
class PlayBackend:
    """The players of blocks. Results do not depend on them."""

    name: Literal["threads", "ray"] = "threads"
    address: str | None = None
    """The cluster to join, `HOST:PORT` or `auto`; None to start Ray on this machine."""
    mixed_hosts: bool = False
    """Use hosts whose results may differ in the last bits."""

    def __post_init__(self) -> None:
        if self.name != "ray" and (self.address is not None or self.mixed_hosts):
            flag = "--mixed-hosts" if self.address is None else "--ray-address"
            raise ValueError(f"{flag} is for a Ray cluster: add --backend ray")

    @property
    def arguments(self) -> list[str]:
        """The arguments that name it again in a later command."""
        if self.name == "threads":
            return []
        address = [] if self.address is None else ["--ray-address", self.address]
        mixed = ["--mixed-hosts"] if self.mixed_hosts else []
        return ["--backend", self.name, *address, *mixed]

    @contextmanager
    def pool(
        self,
        workers: int,
        device: torch.device,
        *,
        show: ShowHosts = lambda *_: None,
    ) -> Iterator[Pool]:
        """Open a pool; to be called in the main thread.

        Args:
            workers: threads or the most actors; 0 for one per core.
            device: where the networks run.
            show: gets the hosts of a cluster, see `ShowHosts`.

        Raises:
            ClusterError: there is no Ray, or no cluster at the address.
            ConfigError: the networks run on a GPU, which Ray does not play.
        """
        from blobmaster.inference.evaluator import use_one_thread
        from blobmaster.selfplay.pool import LocalPool, default_workers

        if self.name == "threads":
            # Each thread uses its own core, so its network must not start further threads.
            yield LocalPool(default_workers(workers), prepare=use_one_thread)
            return
        if device.type != "cpu":
            # Blocks of a GPU have other bits than those of a CPU, and their key says GPU.
            raise ConfigError(
                "--backend ray plays on CPUs: add --device cpu, or leave out --backend"
            )
        from blobmaster.cluster.ray_cluster import RayCluster

        with RayCluster(self.address, workers, mixed_hosts=self.mixed_hosts) as cluster:
            yield cluster.pool(show)


THREADS = PlayBackend()
