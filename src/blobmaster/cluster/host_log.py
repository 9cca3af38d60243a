"""The log of the hosts: what happens to a host is said once, not once for each of its workers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

log = logging.getLogger(__name__)


class HostLog:
    """The names of the nodes, which of them have left, and what was said of them."""

    def __init__(self) -> None:
        self._hosts: dict[str, tuple[str, str]] = {}
        """By node, its host's name and address."""
        self._left: set[str] = set()
        """Nodes that have left. A host that comes back is another node."""
        self._used: set[str] = set()
        """Nodes whose actors have played for this trainer."""
        self._away: set[tuple[str, str]] = set()
        """Hosts that have left and are not used again yet."""
        self._said: set[tuple[str, str]] = set()
        """The (node, text) of this job."""

    def begin(self) -> None:
        """Start a job: what happens is said again."""
        self._said.clear()

    def host(self, node: str) -> tuple[str, str]:
        """Return the name and the address of a node's host; empty if they are not known."""
        return self._hosts.get(node, ("", ""))

    def see(self, nodes: Iterable[Mapping[str, Any]]) -> None:
        """Take the nodes as Ray lists them, and say which hosts have left: these stay listed."""
        alive = set()
        for node in nodes:
            self._hosts[node["NodeID"]] = (
                str(node.get("NodeManagerHostname", "")),
                str(node.get("NodeManagerAddress", "")),
            )
            if node["Alive"]:
                alive.add(node["NodeID"])
        if not alive:  # the head did not answer
            return
        self._left = self._hosts.keys() - alive
        for gone in self._left & self._used:
            self._used.remove(gone)
            self._away.add(self.host(gone))
            log.warning("%s has left the cluster and is not used any more", self._text(gone))

    def has_left(self, node: str) -> bool:
        """Return True if a node was gone when the nodes were last listed."""
        return node in self._left

    def used(self, node: str) -> None:
        """Take note that a node is used; say so if its host had left."""
        self._used.add(node)
        if self.host(node) in self._away:
            self._away.remove(self.host(node))
            log.info("%s is back in the cluster and used again", self._text(node))

    def trouble(self, node: str, level: int, text: str, reason: str) -> None:
        """Say in what way a worker of a host has failed, once in a job."""
        if (node, text) not in self._said:
            self._said.add((node, text))
            log.log(level, "a worker on %s %s: %s", self._text(node), text, reason)

    def _text(self, node: str) -> str:
        name, address = self.host(node)
        return f"host {name} ({address})"
