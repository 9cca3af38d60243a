"""Imports Ray, with the environment that it is to see. No other file imports it."""

from __future__ import annotations

import importlib.metadata
import os
import secrets
from types import ModuleType
from typing import Any

from blobmaster.cluster.errors import ClusterError


def require_ray() -> None:
    """Check that Ray is installed, without importing it.

    Raises:
        ClusterError: it is not.
    """
    try:
        # Not `find_spec`: a folder named `ray` in the current folder would pass for it.
        importlib.metadata.distribution("ray")
    except importlib.metadata.PackageNotFoundError:
        raise ClusterError(
            "--backend ray needs Ray: pip install 'blobmaster[ray]', or leave out --backend"
        ) from None


def load_ray() -> ModuleType:
    """Import Ray."""
    # Before the import, which reads them. Ray would send statistics of its use to its makers.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Else Ray warns of a change that concerns GPUs alone.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    return ray


def keep_local() -> None:
    """Let a local Ray listen on 127.0.0.1 alone, and serve those alone who know its token."""
    # Ray replaces 127.0.0.1 by the address of the network card wherever it supports clusters, and
    # listens on all interfaces. Where it does not, as on macOS, it listens on the loopback.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # Ports of the loopback are open to all users of this machine. Ray would keep a token in the
    # user's home; this one is forgotten with the process.
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def node_affinity(node: str) -> Any:
    """Return the scheduling strategy that starts an actor on this node and on no other."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)
