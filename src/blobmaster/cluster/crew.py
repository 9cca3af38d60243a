"""The actors of a run: started on free CPUs, checked, sent blocks, and replaced if they die."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Set
from types import ModuleType
from typing import Any, NamedTuple

from blobmaster.cluster.actor import Answer, BlockActor, SentJob
from blobmaster.cluster.errors import ClusterError, one_line
from blobmaster.cluster.host_ledger import HostLedger
from blobmaster.cluster.host_log import HostLog
from blobmaster.cluster.hosts import HostFacts, difference
from blobmaster.cluster.library import node_affinity
from blobmaster.cluster.schedule import Event
from blobmaster.run.status.schema import Host

log = logging.getLogger(__name__)

HEAD_S = 1.0
"""Wait for the cluster's list of nodes before a job."""
MOST_DEATHS = 3
"""Deaths in a row, without a finished block, after which an actor is not started again."""
MOST_LATE = 2
"""Late blocks, without a finished one since, after which an actor is taken to hang."""
PATIENCE_S = 60.0
"""Time without any worker after which the log says so."""


class _Actor(NamedTuple):
    handle: Any
    node: str
    deaths: int
    """Deaths in a row of the actors whose place it took."""
    late: int | None = None
    """Late blocks since it has finished one; None before its first, which may compile kernels."""


class RayCrew:
    """The actors of a run: a `Crew`. An actor takes blocks once its host has been checked."""

    def __init__(self, ray: ModuleType, *, most: int, mixed_hosts: bool, ours: HostFacts) -> None:
        self._ray = ray
        self._make = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(BlockActor)
        self._most = most
        self._mixed_hosts = mixed_hosts
        self._ours = ours
        self._actors: dict[int, _Actor] = {}
        self._numbers = 0
        self._checked: set[int] = set()
        self._hellos: dict[Any, int] = {}
        """By the reference of its facts, an actor that is not used yet."""
        self._pending: dict[Any, tuple[int, int]] = {}
        """By the reference of a result, the actor and the block."""
        self._news: list[Event] = []
        """Events that `wait` has not returned yet."""
        self._refused: set[str] = set()
        self._jobs = 0
        self._sent: SentJob | None = None
        self._last_problem = "it has no CPU"
        self._idle_since: float | None = None
        self._host_log = HostLog()
        self._ledger = HostLedger()
        self._recruit(PATIENCE_S)

    def begin(self, job: bytes) -> None:
        """Put a packed job into the object store, and use nodes that have joined."""
        self._jobs += 1
        self._sent = SentJob(self._jobs, [self._ray.put(job)])
        self._pending.clear()  # of a job that was stopped
        self._ledger.begin()
        self._host_log.begin()
        self._idle_since = None
        self._recruit(HEAD_S)

    def end(self) -> None:
        """Forget the references of a job, which would fill the object store."""
        self._sent = None
        self._pending.clear()
        self._ledger.end()

    def hosts(self) -> list[Host]:
        """Return what is known of the hosts that have actors."""
        actors = Counter(actor.node for actor in self._actors.values())
        asked = [*self._hellos.values(), *(worker for worker, _ in self._pending.values())]
        waiting = Counter(self._actors[worker].node for worker in asked if worker in self._actors)
        return [
            self._ledger.host(node, *self._host_log.host(node), actors=count, waiting=waiting[node])
            for node, count in actors.items()
        ]

    def ready(self) -> Set[int]:
        """See `Crew`."""
        if not self._actors:
            raise ClusterError(f"no host of the cluster plays: {self._last_problem}")
        return self._checked

    def send(self, worker: int, block: int) -> None:
        """See `Crew`."""
        actor = self._actors[worker]
        self._ledger.asked(actor.node)
        reference = actor.handle.play.remote(self._sent, block)
        self._pending[reference] = worker, block

    def overtaken(self, worker: int) -> None:
        """See `Crew`; an actor that hangs is killed, and a new one takes its place."""
        actor = self._actors.get(worker)
        if actor is None or actor.late is None:
            return
        self._actors[worker] = actor._replace(late=actor.late + 1)
        if actor.late + 1 >= MOST_LATE:
            lost = self._bury(worker, f"it hangs: {MOST_LATE} of its blocks came too late")
            self._news += [] if lost is None else [lost]

    def wait(self, seconds: float) -> list[Event]:
        """See `Crew`."""
        if news := self._news:
            self._news = []
            return news
        self._say_if_idle()
        waiting = [*self._hellos, *self._pending]
        if not waiting:
            time.sleep(seconds)
            return []
        done, rest = self._ray.wait(waiting, num_returns=1, timeout=seconds)
        if done and rest:
            # All that are there in one step: with 2,048 references each call takes 1 ms.
            more, _ = self._ray.wait(rest, num_returns=len(rest), timeout=0)
            done = [*done, *more]
        events = (self._event(reference) for reference in done)
        return [event for event in events if event is not None]

    def _event(self, reference: Any) -> Event | None:
        if reference in self._hellos:
            return self._take_hello(self._hellos.pop(reference), reference)
        if reference not in self._pending:  # an event before it in this step buried its worker
            return None
        worker, block = self._pending.pop(reference)
        errors = self._ray.exceptions
        try:
            answer: Answer = self._ray.get(reference)
        except errors.RayTaskError as error:
            self._ledger.answered(self._actors[worker].node, 0)
            return Event(worker, block, reason=one_line(error.cause or error))
        except errors.RayError as error:
            return self._bury(worker, one_line(error))
        actor = self._actors[worker]
        self._actors[worker] = actor._replace(deaths=0, late=0)
        self._ledger.answered(actor.node, answer.units)
        return Event(
            worker, block, answer.result, units=answer.units, core_seconds=answer.core_seconds
        )

    def _take_hello(self, worker: int, reference: Any) -> Event | None:
        """Use an actor whose host is like this one; end any other."""
        try:
            facts: HostFacts = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._bury(worker, one_line(error))
        self._ledger.heard(self._actors[worker].node)
        problem = difference(self._ours, facts)
        if problem is None or self._accept(self._actors[worker].node, problem):
            self._checked.add(worker)
            self._host_log.used(self._actors[worker].node)
        else:
            self._ray.kill(self._actors.pop(worker).handle)
        return None

    def _accept(self, node: str, problem: str) -> bool:
        """Log a host that differs, once; return True if it is used all the same."""
        self._last_problem = problem
        if node not in self._refused:
            self._refused.add(node)
            if self._mixed_hosts:
                log.warning("%s: the run cannot be repeated bit for bit (--mixed-hosts)", problem)
            else:
                log.warning("%s: it is not used (--mixed-hosts would use it)", problem)
        return self._mixed_hosts

    def _bury(self, worker: int, reason: str) -> Event | None:
        """Forget a dead actor, start another in its place, and report its blocks as lost.

        No other starts if its host has left the cluster.
        """
        actor = self._actors.pop(worker, None)
        if actor is None:  # reported already, for another of its blocks
            return None
        self._ray.kill(actor.handle)  # it may live on, on a host that cannot be reached now
        self._checked.discard(worker)
        self._pending = {ref: at for ref, at in self._pending.items() if at[0] != worker}
        self._last_problem = reason
        if not self._host_log.has_left(actor.node):
            self._nodes(HEAD_S)  # it may have left since; then Ray would refuse each new actor
        if self._host_log.has_left(actor.node):
            return Event(worker, None, reason=reason)
        if actor.deaths + 1 < MOST_DEATHS:
            text = "is lost and started again"
            self._host_log.trouble(actor.node, logging.WARNING, text, reason)
            self._start(actor.node, actor.deaths + 1)
        else:
            text = f"was lost {MOST_DEATHS} times in a row and is given up until the next iteration"
            self._host_log.trouble(actor.node, logging.ERROR, text, reason)
        return Event(worker, None, reason=reason)

    def _recruit(self, patience: float) -> None:
        """Start actors on the CPUs that have none, up to the number that is wanted.

        Args:
            patience: seconds to wait for the list of the nodes.
        """
        nodes = self._nodes(patience)
        free: dict[str, int] = {
            node["NodeID"]: int(node["Resources"].get("CPU", 0))
            for node in nodes
            if node["Alive"] and (self._mixed_hosts or node["NodeID"] not in self._refused)
        }
        for actor in self._actors.values():
            free[actor.node] = free.get(actor.node, 0) - 1
        slots = [node for node, cpus in free.items() for _ in range(cpus)]
        room = self._most - len(self._actors) if self._most else len(slots)
        for slot in slots[: max(room, 0)]:
            self._start(slot, 0)

    def _nodes(self, patience: float) -> list[dict[str, Any]]:
        """List the nodes of the cluster; empty if its head does not answer.

        In a thread, since Ray would wait a minute for the head, and the trainer hear no stop.
        """
        found: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: found.extend(self._ray.nodes()), daemon=True)
        asking.start()
        asking.join(patience)
        self._host_log.see(found)
        return found

    def _start(self, node: str, deaths: int) -> None:
        # By node, so that a host that is refused does not get the next actor, too.
        handle = self._make.options(scheduling_strategy=node_affinity(node)).remote()
        self._numbers += 1
        self._actors[self._numbers] = _Actor(handle, node, deaths)
        self._hellos[handle.facts.remote()] = self._numbers
        self._ledger.asked(node)

    def _say_if_idle(self) -> None:
        now = time.monotonic()
        if self._checked or self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > PATIENCE_S:
            self._idle_since = now
            log.warning(
                "no worker of the cluster has started for %.0f s: are all its CPUs in use?",
                PATIENCE_S,
            )
