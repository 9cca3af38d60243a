"""Checks the address of a cluster within seconds; Ray itself would wait for minutes."""

from __future__ import annotations

import socket
import subprocess
import sys

from blobmaster.cluster.errors import ClusterError, one_line

CONNECT_S = 3.0
PROBE_S = 15.0
"""Timeout of a first connection, by another process: Ray itself waits for minutes."""

_PROBE = (
    "import sys, ray; ray.init(address=sys.argv[1], logging_level='ERROR', log_to_driver=False); "
    "ray.shutdown()"
)


def check_address(address: str) -> None:
    """Connect to a cluster from another process, which can be given up.

    Raises:
        ClusterError: there is no cluster that can be joined.
    """
    host, _, port = address.rpartition(":")
    if address != "auto":
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
    problem = _probe(address)
    if problem is not None:
        raise ClusterError(
            f"no Ray cluster can be joined at --ray-address {address} ({problem}): run `ray "
            "status` on this machine, which must be part of the cluster"
        )


def _probe(address: str) -> str | None:
    """Join a cluster from another process; return what went wrong, or None."""
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        text = (error.stderr or b"").decode(errors="replace")
        reason = f"no answer within {PROBE_S:.0f} s"
    else:
        if tried.returncode == 0:
            return None
        text = tried.stderr.decode(errors="replace")
        reason = " ".join(text.strip().splitlines()[-1:]) or "the connection failed"
    if "InvalidAuthToken" in text:
        return "it wants another token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN to the cluster's"
    return reason
