"""Plays blocks by Ray actors, on this machine or on a cluster. Only this file imports Ray."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Set
from types import ModuleType
from typing import Any, NamedTuple, Self

import torch

from blobmaster.cluster.address import check_address
from blobmaster.cluster.errors import ClusterError, one_line
from blobmaster.cluster.hosts import HostFacts, difference, host_facts
from blobmaster.cluster.schedule import Event, play_blocks
from blobmaster.config.network import NetworkSettings
from blobmaster.config.search import SearchSettings
from blobmaster.game.records import Rounds
from blobmaster.inference.evaluator import use_one_thread
from blobmaster.inference.stepping import never
from blobmaster.model.network import BlobNetwork, new_network
from blobmaster.run.container import usable_cores
from blobmaster.selfplay.engine import EngineSettings
from blobmaster.selfplay.pool import LocalPool

log = logging.getLogger(__name__)

HEAD_S = 1.0
"""Wait for the cluster's list of nodes before an iteration."""
SHUTDOWN_S = 0.7
"""Wait for the end of Ray. A trainer that receives a signal promises to be gone within 2 s."""
STORE_BYTES = 512 << 20
"""Size of a local object store: it holds a few versions of the weights."""
MOST_DEATHS = 3
"""Deaths in a row, without a finished block, after which an actor is not started again."""
PATIENCE_S = 60.0
"""Time without any worker after which the log says so."""


class _Call(NamedTuple):
    """The part of a block's arguments that an iteration's blocks share."""

    version: int
    weights: list[Any]
    """The reference of the weights, in a list: else Ray would unpack them anew for every block."""
    iteration: int
    search: SearchSettings
    units: int


class BlockActor:
    """Plays blocks in a process of its own, on one core. It keeps an engine and its weights."""

    def facts(self) -> HostFacts:
        """Return the facts of the actor's host."""
        return host_facts()

    def prepare(self, settings: EngineSettings, network: NetworkSettings) -> None:
        """Make the engine; to be called before the first block, on a host that is used."""
        use_one_thread()
        self._engine = settings.engine(LocalPool(1, use_one_thread), torch.device("cpu"))
        made = new_network(network, settings.seed, sees_games=settings.whole_games)
        self._network = made.eval()
        self._version = -1

    def play(self, call: _Call, block: int) -> bytes:
        """Play one block and return its rounds, as `Rounds.to_bytes`."""
        if call.version != self._version:
            # Copied into the network. A reference that is kept would hold the old weights in the
            # object store.
            self._network.load_state_dict(_ray().get(call.weights[0]))
            self._version = call.version
        ((_, rounds),) = self._engine.play(
            call.iteration,
            self._network,
            call.search,
            call.units,
            [block],
            should_stop=never,
            on_rounds=_ignore,
        )
        return rounds.to_bytes()


class RayCluster:
    """A context manager that holds the connection to a cluster, or Ray on this machine."""

    def __init__(self, address: str | None, workers: int, *, mixed_hosts: bool) -> None:
        """Connect, or start Ray; to be called in the main thread.

        Args:
            address: `HOST:PORT` or `auto`; None to start Ray on this machine.
            workers: the most actors; 0 for one per CPU.
            mixed_hosts: use hosts that differ from this one.

        Raises:
            ClusterError: there is no Ray, or no cluster at the address.
        """
        if address is None:
            _keep_local()  # before the import, which reads the environment
        self._ray = _ray()
        self._workers = workers
        self._mixed_hosts = mixed_hosts
        if address is not None:
            check_address(address)
        # Ray sets a handler for SIGTERM that raises `SystemExit` inside a step.
        before = signal.getsignal(signal.SIGTERM)
        try:
            self._connect(address, workers or usable_cores())
        except (RuntimeError, ConnectionError, ValueError, OSError) as error:
            raise ClusterError(f"Ray does not start: {one_line(error)}") from None
        finally:
            signal.signal(signal.SIGTERM, before)

    def _connect(self, address: str | None, workers: int) -> None:
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        if address is not None:
            self._ray.init(address=address, **quiet)
            return
        self._ray.init(
            address="local",
            num_cpus=workers,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            **quiet,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # In a thread: Ray waits for its processes one by one. They die with this one in any case,
        # as children by the kernel's hand, as actors of a cluster when their owner is gone.
        ending = threading.Thread(target=self._ray.shutdown, daemon=True)
        ending.start()
        ending.join(SHUTDOWN_S)

    def player(self, settings: EngineSettings, network: NetworkSettings) -> RayPlayer:
        """Return the player of a run's blocks, whose actors start now."""
        crew = _Crew(
            self._ray, settings, network, most=self._workers, mixed_hosts=self._mixed_hosts
        )
        return RayPlayer(self._ray, crew)


class RayPlayer:
    """A `PlaysBlocks` by the actors of a cluster."""

    def __init__(self, ray: ModuleType, crew: _Crew) -> None:
        self._ray = ray
        self._crew = crew
        self._version = 0

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        units: int,
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """See `PlaysBlocks`; `on_rounds` is called once for each block.

        Raises:
            ClusterError: a block fails everywhere, or no worker is left.
        """
        self._version += 1
        state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        call = _Call(self._version, [self._ray.put(state)], iteration, search, units)
        self._crew.begin(call)
        try:
            yield from play_blocks(self._crew, blocks, should_stop=should_stop, on_rounds=on_rounds)
        finally:
            self._crew.end()


class _Actor(NamedTuple):
    handle: Any
    node: str
    deaths: int
    """Deaths in a row of the actors whose place it took."""


class _Crew:
    """The actors of a run: a `Crew`. An actor takes blocks once its host has been checked."""

    def __init__(
        self,
        ray: ModuleType,
        settings: EngineSettings,
        network: NetworkSettings,
        *,
        most: int,
        mixed_hosts: bool,
    ) -> None:
        self._ray = ray
        self._make = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(BlockActor)
        self._recipe = ray.put(settings), network
        self._most = most
        self._mixed_hosts = mixed_hosts
        self._ours = host_facts()
        self._actors: dict[int, _Actor] = {}
        self._numbers = 0
        self._checked: set[int] = set()
        self._hellos: dict[Any, int] = {}
        """By the reference of its facts, or of its preparation, an actor that is not used yet."""
        self._pending: dict[Any, tuple[int, int]] = {}
        """By the reference of a result, the actor and the block."""
        self._refused: set[str] = set()
        self._call: _Call | None = None
        self._last_problem = "it has no CPU"
        self._idle_since: float | None = None
        self._recruit(PATIENCE_S)

    def begin(self, call: _Call) -> None:
        """Start an iteration: take over its arguments, and use nodes that have joined."""
        self._call = call
        self._idle_since = None
        self._recruit(HEAD_S)

    def end(self) -> None:
        """Forget the references of an iteration, which would fill the object store."""
        self._call = None
        self._pending.clear()

    def ready(self) -> Set[int]:
        """See `Crew`."""
        if not self._actors:
            raise ClusterError(
                f"no host of the cluster plays: {self._last_problem}; the last checkpoint is "
                "intact, and finished blocks are kept"
            )
        return self._checked

    def send(self, worker: int, block: int) -> None:
        """See `Crew`."""
        reference = self._actors[worker].handle.play.remote(self._call, block)
        self._pending[reference] = worker, block

    def wait(self, seconds: float) -> list[Event]:
        """See `Crew`."""
        self._say_if_idle()
        waiting = [*self._hellos, *self._pending]
        if not waiting:
            time.sleep(seconds)
            return []
        done, _ = self._ray.wait(waiting, num_returns=1, timeout=seconds)
        events = (self._event(reference) for reference in done)
        return [event for event in events if event is not None]

    def _event(self, reference: Any) -> Event | None:
        if reference in self._hellos:
            return self._take_hello(self._hellos.pop(reference), reference)
        worker, block = self._pending.pop(reference)
        errors = self._ray.exceptions
        try:
            rounds = Rounds.from_bytes(self._ray.get(reference))
        except errors.RayTaskError as error:
            return Event(worker, block, reason=one_line(error.cause or error))
        except errors.RayError as error:
            return self._bury(worker, one_line(error))
        actor = self._actors[worker]
        self._actors[worker] = actor._replace(deaths=0)
        return Event(worker, block, rounds)

    def _take_hello(self, worker: int, reference: Any) -> Event | None:
        """Prepare an actor whose host is like this one, and use it once it is prepared."""
        try:
            facts: HostFacts | None = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._bury(worker, one_line(error))
        if facts is None:
            self._checked.add(worker)
            return None
        actor = self._actors[worker]
        problem = difference(self._ours, facts)
        if problem is not None and not self._accept(actor.node, problem):
            self._ray.kill(self._actors.pop(worker).handle)
            return None
        self._hellos[actor.handle.prepare.remote(*self._recipe)] = worker
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
        """Forget a dead actor, start another in its place, and report its blocks as lost."""
        actor = self._actors.pop(worker, None)
        if actor is None:  # reported already, for another of its blocks
            return None
        self._ray.kill(actor.handle)  # it may live on, on a host that cannot be reached now
        self._checked.discard(worker)
        self._pending = {ref: at for ref, at in self._pending.items() if at[0] != worker}
        self._last_problem = reason
        if actor.deaths + 1 < MOST_DEATHS:
            log.warning("a worker of the cluster has died and is started again: %s", reason)
            self._start(actor.node, actor.deaths + 1)
        else:
            log.error(
                "a worker of the cluster has died %d times in a row and is given up until the "
                "next iteration: %s",
                MOST_DEATHS,
                reason,
            )
        return Event(worker, None, reason=reason)

    def _recruit(self, patience: float) -> None:
        """Start actors on the CPUs that have none, up to the number that is wanted.

        Args:
            patience: seconds to wait for the list of the nodes.
        """
        free: dict[str, int] = {
            node["NodeID"]: int(node["Resources"].get("CPU", 0))
            for node in self._nodes(patience)
            if node["Alive"] and (self._mixed_hosts or node["NodeID"] not in self._refused)
        }
        for actor in self._actors.values():
            free[actor.node] = free.get(actor.node, 0) - 1
        slots = [node for node, cpus in free.items() for _ in range(cpus)]
        room = self._most - len(self._actors) if self._most else len(slots)
        for node in slots[: max(room, 0)]:
            self._start(node, 0)

    def _nodes(self, patience: float) -> list[dict[str, Any]]:
        """List the nodes of the cluster; empty if its head does not answer.

        In a thread, since Ray would wait a minute for the head, and the trainer hear no stop.
        """
        found: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: found.extend(self._ray.nodes()), daemon=True)
        asking.start()
        asking.join(patience)
        return found

    def _start(self, node: str, deaths: int) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # By node, so that a host that is refused does not get the next actor, too.
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        handle = self._make.options(scheduling_strategy=there).remote()
        self._numbers += 1
        self._actors[self._numbers] = _Actor(handle, node, deaths)
        self._hellos[handle.facts.remote()] = self._numbers

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


def _ray() -> ModuleType:
    """Import Ray.

    Raises:
        ClusterError: it is not installed.
    """
    # Before the import, which reads them. Ray would send statistics of its use to its makers.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Else Ray warns of a change that concerns GPUs alone.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise ClusterError(
            "--backend ray needs Ray: pip install 'blobmaster[ray]', or leave out --backend"
        ) from None
    return ray


def _keep_local() -> None:
    """Let a local Ray listen on 127.0.0.1 alone, and serve those alone who know its token."""
    # Ray replaces 127.0.0.1 by the address of the network card wherever it supports clusters, and
    # listens on all interfaces. Where it does not, as on macOS, it listens on the loopback.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # Ports of the loopback are open to all users of this machine. Ray would keep a token in the
    # user's home; this one is forgotten with the process.
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _ignore(rounds: int) -> None:
    del rounds
