"""Checks the address of a cluster within seconds; Ray itself would wait for minutes."""

from __future__ import annotations

import socket

from blobmaster.cluster.errors import ClusterError, one_line

CONNECT_S = 3.0


def check_address(address: str) -> None:
    """Check that somebody listens at the address of a cluster.

    Raises:
        ClusterError: it is no address, or nobody does.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise ClusterError(
            f"--ray-address {address}: name the head of the cluster as HOST:PORT, or `auto`"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"nothing answers at --ray-address {address} ({one_line(error)}): start the "
            "cluster with `ray start --head`, or leave the address out to start Ray here"
        ) from None


def refusal(address: str | None, problem: str, output: str) -> ClusterError:
    """Return the error for a cluster that cannot be joined.

    Args:
        address: of the cluster; None for a local Ray.
        problem: of the process that tried, in one line.
        output: all that it printed.
    """
    if address is None:
        return ClusterError(f"Ray does not start: {problem}")
    if "InvalidAuthToken" in output:
        problem = (
            "it wants another token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN to the cluster's"
        )
    return ClusterError(
        f"no Ray cluster can be joined at --ray-address {address} ({problem}): run `ray "
        "status` on this machine, which must be part of the cluster"
    )
