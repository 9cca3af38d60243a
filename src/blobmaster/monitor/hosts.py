"""The hosts of a cluster as the monitor shows them: bounded, cleaned, with their ages."""

from __future__ import annotations

import math
from dataclasses import dataclass

from blobmaster.monitor.read.liveness import Observation
from blobmaster.monitor.text import fmt
from blobmaster.run.status.cluster import MOST_HOSTS
from blobmaster.run.status.schema import Host, Status


@dataclass(frozen=True, kw_only=True)
class ShownHost:
    """A host that works for the run."""

    name: str
    address: str
    actors: int
    units_per_minute: float | None
    answer_age_s: float | None
    """Time since its last answer; None if unknown, or before the first."""
    silent: bool


@dataclass(frozen=True, kw_only=True)
class ShownCluster:
    """The hosts that work for the run; the sums include those that are not listed."""

    hosts: tuple[ShownHost, ...]
    host_count: int
    actors: int
    units_per_minute: float | None
    unit: str
    lost_blocks: int
    repeated_blocks: int


def shown_cluster(status: Status, observation: Observation) -> ShownCluster | None:
    """Return what is shown of the cluster, whoever wrote the status; None without a cluster."""
    cluster = status.cluster
    if cluster is None:
        return None
    # Ages by the writer's own clock, which may differ from the reader's.
    written_at = status.heartbeat_at if status.has_heartbeat else None
    hosts = [
        ShownHost(
            name=fmt.clean(host.name, 40),
            address=fmt.clean(host.address, 40),
            actors=max(0, host.actors),
            units_per_minute=_rate(host.units_per_minute),
            answer_age_s=_age(host, written_at, observation.silent_s),
            silent=host.silent,
        )
        for host in cluster.hosts[:MOST_HOSTS]
    ]
    return ShownCluster(
        hosts=tuple(hosts),
        host_count=max(cluster.host_count, len(hosts)),
        actors=max(0, cluster.actors),
        units_per_minute=_rate(cluster.units_per_minute),
        unit=fmt.clean(cluster.unit, 20),
        lost_blocks=max(0, cluster.lost_blocks),
        repeated_blocks=max(0, cluster.repeated_blocks),
    )


def _rate(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _age(host: Host, written_at: float | None, silent_s: float) -> float | None:
    if host.answered_at is None or written_at is None:
        return None
    return max(0.0, written_at - host.answered_at) + silent_s


def cluster_text(cluster: ShownCluster) -> str:
    """Return the sums: `3 hosts, 12 actors, 4,210 rounds/min, 2 blocks lost, 3 repeated`."""
    parts = [_counted(cluster.host_count, "host"), _counted(cluster.actors, "actor")]
    if cluster.units_per_minute is not None:
        parts.append(per_minute(cluster.units_per_minute, cluster.unit))
    if cluster.lost_blocks or cluster.repeated_blocks:
        parts.append(f"{_counted(cluster.lost_blocks, 'block')} lost")
        parts.append(f"{fmt.count(cluster.repeated_blocks)} repeated")
    return ", ".join(parts)


def host_name(host: ShownHost) -> str:
    """Return the name and the address of a host: `node7 (10.0.0.7)`."""
    if not host.name or not host.address or host.name == host.address:
        return host.name or host.address or fmt.UNKNOWN
    return f"{host.name} ({host.address})"


def host_text(host: ShownHost) -> str:
    """Return what a host does: `4 actors, 15,070/min, answered 2 s ago`."""
    parts = [_counted(host.actors, "actor")]
    if host.units_per_minute is not None:
        parts.append(per_minute(host.units_per_minute))
    parts.append(answer_text(host))
    return ", ".join(parts)


def answer_text(host: ShownHost) -> str:
    """Return when a host answered last."""
    if host.answer_age_s is None:
        return "has not answered yet"
    age = fmt.duration(host.answer_age_s)
    return f"silent for {age}" if host.silent else f"answered {age} ago"


def left_out(cluster: ShownCluster) -> int:
    """Return the number of hosts that are not listed."""
    return cluster.host_count - len(cluster.hosts)


def per_minute(rate: float, unit: str = "") -> str:
    """Return a rate of units of work."""
    number = fmt.metric(rate) if rate < 10 or rate >= 1e15 else fmt.count(rate)
    return f"{number} {unit}".rstrip() + "/min"


def _counted(number: int, what: str) -> str:
    return f"{fmt.count(number)} {what}{'' if number == 1 else 's'}"
