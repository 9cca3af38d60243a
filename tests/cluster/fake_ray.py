"""A stand-in for the module `ray`: a cluster whose nodes, answers and deaths a test decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """The loss of an actor."""


class RayTaskError(RayError):
    """An error of a block."""

    cause: Exception | None = None


@dataclass(eq=False)
class Reference:
    """The reference of an answer, which is there once it has a value."""

    actor: FakeActor
    value: Any = None


@dataclass(eq=False)
class FakeActor:
    """An actor, and the references of all that it was asked."""

    node: str
    ray: FakeRay
    asked: list[Reference] = field(default_factory=list)

    @property
    def facts(self) -> Any:
        """Remote method: answers at once, unless the node is gone."""
        return SimpleNamespace(remote=lambda: self._ask(self.ray.facts))

    @property
    def play(self) -> Any:
        """Remote method: has no answer until the test gives one."""
        return SimpleNamespace(remote=lambda *_: self._ask(None))

    def _ask(self, value: Any) -> Reference:
        gone = self.node in self.ray.unreachable
        self.asked.append(Reference(self, RayError("its node is gone") if gone else value))
        return self.asked[-1]

    def die(self) -> None:
        """End the actor: each question without an answer fails."""
        for reference in self.asked:
            reference.value = reference.value or RayError("the actor died")


class FakeRay:
    """The part of the module `ray` that `RayCrew` uses."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, facts: Any, **cpus: int) -> None:
        """Args:
        facts: of each host.
        cpus: by node, its CPUs.
        """
        self.facts = facts
        self.cpus = cpus
        self.actors: list[FakeActor] = []
        self.unreachable: set[str] = set()
        """Nodes on which every actor dies at once."""
        self.left: set[str] = set()
        """Nodes that Ray knows to be gone."""
        self.waits = 0

    def on(self, node: str) -> list[FakeActor]:
        """Return all actors that were started on a node."""
        return [actor for actor in self.actors if actor.node == node]

    def lose(self, node: str, *, known: bool = True) -> None:
        """Let a node go, with its actors.

        Args:
            node: that goes.
            known: Ray has noticed.
        """
        self.unreachable.add(node)
        self.left |= {node} if known else set()
        for actor in self.on(node):
            actor.die()

    def remote(self, **_: Any) -> Any:
        return lambda _: SimpleNamespace(options=self._options)

    def _options(self, *, scheduling_strategy: str) -> Any:
        return SimpleNamespace(remote=lambda: self._started(scheduling_strategy))

    def _started(self, node: str) -> FakeActor:
        self.actors.append(FakeActor(node, self))
        return self.actors[-1]

    def put(self, value: Any) -> Any:
        return value

    def kill(self, actor: FakeActor) -> None:
        actor.die()

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "NodeID": node,
                "Alive": node not in self.left,
                "NodeManagerHostname": node.rstrip("'"),
                "NodeManagerAddress": "10.0.0.1",
                "Resources": {"CPU": float(cpus)},
            }
            for node, cpus in self.cpus.items()
        ]

    def wait(
        self, references: Sequence[Reference], *, num_returns: int, timeout: float
    ) -> tuple[list[Reference], list[Reference]]:
        del timeout
        self.waits += 1
        done = [ref for ref in references if ref.value is not None][:num_returns]
        return done, [ref for ref in references if ref not in done]

    def get(self, reference: Reference) -> Any:
        if isinstance(reference.value, Exception):
            raise reference.value
        return reference.value
