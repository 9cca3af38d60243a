"""The part of the status about a cluster: bounded, with an alert for hosts that are silent."""

from __future__ import annotations

from collections.abc import Sequence

from blobmaster.run.status.publisher import StatusPublisher
from blobmaster.run.status.schema import HOST_SILENT, Cluster, Host
from blobmaster.run.status.step_progress import StepProgress

MOST_HOSTS = 16
"""Hosts that are listed, so that the file of a large cluster stays small."""
MOST_NAMED = 3
"""Hosts that the alert names."""


def cluster_of(
    hosts: Sequence[Host], lost_blocks: int, repeated_blocks: int, unit: str = ""
) -> Cluster:
    """Return the part of the status for all hosts of a cluster."""
    ordered = sorted(hosts, key=lambda host: (not host.silent, host.name, host.address))
    rates = [host.units_per_minute for host in hosts if host.units_per_minute is not None]
    return Cluster(
        hosts=ordered[:MOST_HOSTS],
        host_count=len(hosts),
        actors=sum(host.actors for host in hosts),
        units_per_minute=sum(rates) if rates else None,
        unit=unit,
        lost_blocks=lost_blocks,
        repeated_blocks=repeated_blocks,
    )


def silence(hosts: Sequence[Host]) -> str | None:
    """Return the message of the alert for silent hosts; None if all of them answer."""
    silent = sorted(host.name or host.address for host in hosts if host.silent)
    if not silent:
        return None
    names = ", ".join(silent[:MOST_NAMED])
    more = f" and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
    which, verb = ("host", "does") if len(silent) == 1 else ("hosts", "do")
    return f"{which} {names}{more} {verb} not answer: others play their blocks when these are late"


class ClusterReporter:
    """Publishes the hosts of a cluster, and raises and clears the alert for silent ones."""

    def __init__(self, publisher: StatusPublisher, progress: StepProgress) -> None:
        self._publisher = publisher
        self._progress = progress
        self._silence: str | None = None

    def show(self, hosts: Sequence[Host], lost_blocks: int, repeated_blocks: int) -> None:
        """Publish all hosts that work for the run now, and the blocks of this session."""
        cluster = cluster_of(hosts, lost_blocks, repeated_blocks, self._progress.unit)
        self._publisher.update(urgent=False, cluster=cluster)
        before, self._silence = self._silence, silence(hosts)
        if self._silence is None:
            self._publisher.clear_alert(HOST_SILENT)
        elif self._silence != before:  # an alert is written at once, so not for every report
            self._publisher.raise_alert(HOST_SILENT, "warning", self._silence)
