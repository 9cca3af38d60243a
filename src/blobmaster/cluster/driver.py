"""The process that holds the connection to Ray, since Ray may end the process that it runs in.

It does so without a word when the head of the cluster is gone for long, and when the node of this
machine is gone. So the trainer is another process (`driver_process.py`), and learns it by a closed
socket. Each request over that socket is `(method of Driver, arguments)`, each reply a `Reply`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable, Set
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from blobmaster.cluster.address import check_address
from blobmaster.cluster.crew import RayCrew
from blobmaster.cluster.errors import ClusterError
from blobmaster.cluster.hosts import HostFacts
from blobmaster.cluster.library import keep_local, load_ray
from blobmaster.cluster.schedule import Event
from blobmaster.run.status.schema import Host

STORE_BYTES = 512 << 20
"""Size of a local object store: it holds a few versions of the weights."""
MOST_TEXT = 300
"""Letters of an error of Ray; some hold whole tracebacks."""
HEAD_LOST_S = 40.0
"""Time without an answer of the head after which the driver ends. Ray would end it after a minute,
but after many when the head's host dies and nothing closes its connections."""
LOOK_S = 5.0
"""Time between two looks at the head."""
REASON = "reason: "
"""Begins the driver's last line, if it knows why it ends."""
HOSTS_S = 1.0
"""Time between two reports of the hosts."""
GOODBYE_S = 5.0
"""Time for an orderly end of Ray after the trainer has ended."""


class Reply(NamedTuple):
    """The reply to a request."""

    value: Any = None
    refused: str | None = None
    """The text of the `ClusterError` that the method raised."""
    lines: tuple[tuple[int, str], ...] = ()
    """Log lines since the last reply, with their levels."""


class Report(NamedTuple):
    """The state of the crew after a step."""

    events: list[Event]
    ready: Set[int]
    problem: str | None
    """Why no block can be played any more."""
    hosts: list[Host] | None = None
    """The hosts that have actors; None if they were reported less than `HOSTS_S` ago."""


class Driver:
    """Answers the requests of the trainer, in the process that holds the connection to Ray."""

    def __init__(self) -> None:
        self._ray: Any = None
        self._crew: Any = None
        self._hosts_at = 0.0

    def join(self, address: str | None, cpus: int) -> None:
        """Join a cluster; without an address, start Ray on so many CPUs of this machine.

        Raises:
            ClusterError: there is no Ray, or it does not start.
        """
        if address is None:
            keep_local()  # before the import, which reads the environment
        self._ray = load_ray()
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        local: dict[str, Any] = {
            "num_cpus": cpus,
            "num_gpus": 0,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        try:
            if address is None:
                self._ray.init(address="local", **local, **quiet)
            else:
                self._ray.init(address=address, **quiet)
        except (RuntimeError, ValueError, OSError, self._ray.exceptions.RayError) as error:
            # Not its first line alone: it names the versions, if these differ, in the next ones.
            text = " ".join(str(error).split())[:MOST_TEXT]
            raise ClusterError(f"{type(error).__name__}: {text}") from None
        if address is not None:
            head = self._ray.get_runtime_context().gcs_address
            threading.Thread(target=_watch_head, args=(head,), daemon=True).start()

    def recruit(self, most: int, mixed_hosts: bool, ours: HostFacts) -> None:
        """Start the actors, for a trainer on a host with these facts."""
        self._crew = RayCrew(self._ray, most=most, mixed_hosts=mixed_hosts, ours=ours)

    def begin(self, job: bytes) -> Report:
        """Start a packed job."""
        self._crew.begin(job)
        self._hosts_at = 0.0
        return self._report([])

    def step(
        self, overtaken: Iterable[int], blocks: Iterable[tuple[int, int]], seconds: float
    ) -> Report:
        """Pass on calls of `Crew.overtaken` and `Crew.send`, then wait for events.

        Args:
            overtaken: workers of late blocks that others have finished.
            blocks: workers and the blocks to send to them.
            seconds: the longest wait.
        """
        for worker in overtaken:
            self._crew.overtaken(worker)
        for worker, block in blocks:
            if worker in self._crew.ready():
                self._crew.send(worker, block)
        return self._report(self._crew.wait(seconds))

    def _report(self, events: list[Event]) -> Report:
        hosts, now = None, time.monotonic()
        if now - self._hosts_at > HOSTS_S:
            hosts, self._hosts_at = self._crew.hosts(), now
        try:
            return Report(events, set(self._crew.ready()), None, hosts)
        except ClusterError as error:
            return Report(events, set(), str(error), hosts)

    def end(self) -> list[Host]:
        """End a job; return the hosts."""
        self._crew.end()
        return list(self._crew.hosts())

    def leave(self) -> None:
        """Leave the cluster; end a local Ray."""
        if self._ray is not None:
            self._ray.shutdown()


class _Lines(logging.Handler):
    """Keeps what is logged for the next reply."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append((record.levelno, record.getMessage()))

    def taken(self) -> tuple[tuple[int, str], ...]:
        lines, self._kept = self._kept, []
        return tuple(lines)


def serve(connection: Connection) -> None:
    """Answer requests until the trainer closes the socket, also by its death."""
    driver, lines = Driver(), _Lines()
    logger = logging.getLogger("blobmaster")
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        while True:
            method, arguments = pickle.loads(connection.recv_bytes())  # noqa: S301
            try:
                reply = Reply(getattr(driver, method)(*arguments))
            except ClusterError as error:
                reply = Reply(refused=str(error))
            connection.send_bytes(pickle.dumps(reply._replace(lines=lines.taken())))
    except (EOFError, ConnectionError):
        driver.leave()


def _watch_head(address: str) -> None:
    """End this process after the head of the cluster has not answered for long."""
    seen = time.monotonic()
    while time.monotonic() - seen < HEAD_LOST_S:
        time.sleep(LOOK_S)
        with contextlib.suppress(ClusterError):
            check_address(address)
            seen = time.monotonic()
    sys.stdout.write(f"{REASON}its head at {address} has not answered for {HEAD_LOST_S:.0f} s\n")
    sys.stdout.flush()
    os._exit(1)


def _end_after(descriptor: int) -> None:
    """End this process soon after the other end of its socket was closed, whatever it does then."""
    poll = select.poll()
    poll.register(descriptor, 0)  # reports a hang-up alone
    poll.poll()
    time.sleep(GOODBYE_S)
    os._exit(1)


def main(descriptor: int) -> None:
    """Serve the trainer at the other end of an inherited socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the trainer, which then ends this
    threading.Thread(target=_end_after, args=(descriptor,), daemon=True).start()
    serve(Connection(descriptor))


if __name__ == "__main__":
    # Under its own name, as the classes that are pickled are those of `blobmaster.cluster.driver`.
    from blobmaster.cluster import driver

    driver.main(int(sys.argv[1]))
