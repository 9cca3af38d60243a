"""The crew as the trainer sees it: behind the driver, which is replaced when it is lost."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence, Set

from blobmaster.cluster.driver import Report
from blobmaster.cluster.driver_process import DriverProcess
from blobmaster.cluster.errors import ClusterError, DriverLostError
from blobmaster.cluster.schedule import Event
from blobmaster.run.status.schema import Host

log = logging.getLogger(__name__)

REJOIN_S = 60.0
"""Time during which a lost cluster is joined again; then the run fails."""
PAUSE_S = 2.0
"""Time between two tries."""


class RemoteCrew:
    """A `Crew` whose actors belong to the driver. A lost driver takes its actors with it."""

    def __init__(
        self, connect: Callable[[], DriverProcess], on_hosts: Callable[[Sequence[Host]], None]
    ) -> None:
        """Start the driver.

        Args:
            connect: returns a driver that has joined the cluster and recruited. It raises
                `ClusterError` or `DriverLostError`.
            on_hosts: called about once a second with the hosts, while blocks are played.

        Raises:
            ClusterError: there is no cluster.
        """
        self._connect = connect
        self._on_hosts = on_hosts
        try:
            self._driver = connect()
        except DriverLostError as error:
            raise ClusterError(f"Ray does not start: {error}") from None
        self._job: bytes | None = None
        self._unsent: list[tuple[int, int]] = []
        self._overtaken: list[int] = []
        self._report = Report([], set(), None)

    def begin(self, job: bytes) -> None:
        """Start a packed job, and use nodes that have joined.

        Raises:
            ClusterError: the cluster is lost.
        """
        self._job = job
        self._unsent = []
        try:
            # A new report: the last one, of a job that was stopped, may not have been taken.
            self._take(self._driver.ask("begin", job))
        except DriverLostError as error:
            self._rejoin(error)

    def end(self) -> None:
        """End a job; a driver that is lost by now is replaced in the next one."""
        self._job = None
        if not self._driver.is_asked:
            with contextlib.suppress(DriverLostError):
                self._on_hosts(self._driver.ask("end"))

    def ready(self) -> Set[int]:
        """See `Crew`."""
        if self._report.problem is not None:
            raise ClusterError(self._report.problem)
        return self._report.ready

    def send(self, worker: int, block: int) -> None:
        """See `Crew`."""
        self._unsent.append((worker, block))

    def overtaken(self, worker: int) -> None:
        """See `Crew`; it is passed on at the next `wait`, also of a later iteration."""
        self._overtaken.append(worker)

    def wait(self, seconds: float) -> list[Event]:
        """See `Crew`.

        Raises:
            ClusterError: the cluster is lost.
        """
        try:
            if not self._driver.is_asked:
                news = self._overtaken, self._unsent
                self._overtaken, self._unsent = [], []
                self._driver.request("step", *news, seconds)
            report = self._driver.reply(2 * seconds)
        except DriverLostError as error:
            lost = self._report.ready
            self._rejoin(error)
            return [Event(worker, None, reason=str(error)) for worker in lost]
        if report is None:
            return []
        self._take(report)
        return list(report.events)

    def _take(self, report: Report) -> None:
        self._report = report
        if report.hosts is not None:
            self._on_hosts(report.hosts)

    def close(self) -> None:
        """Leave the cluster."""
        self._driver.close()

    def _rejoin(self, error: DriverLostError) -> None:
        """Replace the driver, which is lost.

        Raises:
            ClusterError: the cluster cannot be joined again.
        """
        log.warning("the cluster is lost (%s) and is joined again", error)
        # They name its workers, and those of the next one have the same numbers.
        self._overtaken, self._unsent = [], []
        until = time.monotonic() + REJOIN_S
        while True:
            self._driver.kill()
            try:
                self._driver = self._connect()
                if self._job is not None:
                    self._take(self._driver.ask("begin", self._job))
                return
            except (ClusterError, DriverLostError) as failure:
                if time.monotonic() > until:
                    raise ClusterError(
                        f"the cluster is lost ({error}) and cannot be joined again ({failure})"
                    ) from None
            time.sleep(PAUSE_S)
