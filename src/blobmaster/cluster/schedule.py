"""Hands blocks to workers elsewhere, again if a worker dies, and takes each result once.

It knows no Ray: a `Crew` starts workers, sends them blocks and reports what became of these.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from blobmaster.cluster.errors import ClusterError

IN_FLIGHT = 2
"""Blocks at a worker: it finds the next one while the result of the last is on its way."""
MOST_TRIES = 3
"""Failed tries after which a block stops the run: it would fail everywhere."""
LATE_S = 10.0
LATE_FACTOR = 4.0
"""A block is late after `LATE_S` and this many times the longest block so far. An idle worker then
plays it, too: the other may hang, or its host be unreachable."""
LATE_FIRST_S = 60.0
"""A block is late after this before any is finished: how long one takes is not known yet."""
LOOK_S = 0.1
"""Time between two looks at `should_stop`."""


class Event(NamedTuple):
    """The end of a block at a worker, or the loss of a worker."""

    worker: int
    block: int | None
    """None if the worker is lost, with all its blocks."""
    result: bytes | None = None
    """None after a failure."""
    units: int = 0
    """Rounds or deals of the result."""
    core_seconds: float = 0.0
    """CPU time of the result."""
    reason: str = ""
    """The failure, in one line."""


@dataclass
class Counts:
    """Numbers of blocks that had to be played again, over all jobs so far."""

    lost: int = 0
    """Blocks that failed, or were lost with their worker."""
    repeated: int = 0
    """Blocks that were given to one more worker."""


class Crew(Protocol):
    """Workers elsewhere. Each plays the blocks that it was sent one after another."""

    def ready(self) -> Set[int]:
        """Return the workers that take blocks now.

        A new worker may have the number of one whose loss `wait` has returned.

        Raises:
            ClusterError: there are none, and none will come.
        """
        ...

    def send(self, worker: int, block: int) -> None:
        """Let a worker play a block after those that it has."""
        ...

    def overtaken(self, worker: int) -> None:
        """Take note that another worker was faster with a late block of this one."""
        ...

    def wait(self, seconds: float) -> list[Event]:
        """Wait up to so many seconds for events."""
        ...


class BlockSchedule:
    """The blocks of a job: waiting, in flight at workers, or finished.

    A step takes the same time however many workers and blocks there are: with a thousand workers,
    thousands of results arrive in a second.
    """

    def __init__(
        self,
        blocks: Iterable[int],
        clock: Callable[[], float] = time.monotonic,
        counts: Counts | None = None,
    ) -> None:
        self._fresh = deque(dict.fromkeys(blocks))
        self._again: dict[int, None] = {}
        """Blocks that failed or were lost, in order. They go out first."""
        self._unfinished = set(self._fresh)
        self._held: dict[int, dict[int, None]] = {}
        """By worker, the blocks at it, in the order in which it plays them."""
        self._holders: dict[int, set[int]] = {}
        """By block, the workers that hold it."""
        self._sent: dict[tuple[int, int], float] = {}
        """When each (worker, block) in flight was sent, the oldest first."""
        self._ready: Set[int] = frozenset()
        self._by_load: list[dict[int, None]] = [{} for _ in range(IN_FLIGHT + 1)]
        """The ready workers, by the number of blocks at each."""
        self._failures: dict[int, list[str]] = {}
        self._counts = counts or Counts()
        self._longest = 0.0
        self._clock = clock

    @property
    def is_done(self) -> bool:
        """True if every block is finished."""
        return not self._unfinished

    def hand_out(self, ready: Set[int]) -> Iterator[tuple[int, int]]:
        """Yield (worker, block) while a ready worker has room; it holds the block from now on."""
        self._admit(ready)
        while (chosen := self._choose()) is not None:
            worker, block = chosen
            self._set_load(worker, block, holds=True)
            self._counts.repeated += block in self._holders
            self._holders.setdefault(block, set()).add(worker)
            self._sent[worker, block] = self._clock()
            yield worker, block

    def _admit(self, ready: Set[int]) -> None:
        if ready == self._ready:
            return
        for worker in sorted(ready - self._ready):
            held = self._held.setdefault(worker, {})
            self._by_load[len(held)][worker] = None
        for worker in self._ready - ready:
            self._by_load[len(self._held.get(worker, {}))].pop(worker, None)
        self._ready = frozenset(ready)

    def _choose(self) -> tuple[int, int] | None:
        """Choose the next block and its worker: everybody's first block before a second one."""
        waiting = len(self._fresh) + len(self._again)
        for load, workers in enumerate(self._by_load[:IN_FLIGHT]):
            # The last blocks are not queued behind others, so that no worker idles beside a queue.
            if load > 0 and waiting <= len(self._held):
                return None
            if not workers:
                continue
            block = self._next_block()
            return None if block is None else (next(iter(workers)), block)
        return None

    def _next_block(self) -> int | None:
        if self._again:
            block = next(iter(self._again))
            del self._again[block]
            return block
        return self._fresh.popleft() if self._fresh else self._late_block()

    def _late_block(self) -> int | None:
        limit = max(LATE_S, LATE_FACTOR * self._longest) if self._longest else LATE_FIRST_S
        now = self._clock()
        for (_, block), since in self._sent.items():
            if now - since <= limit:  # as all that were sent after it
                return None
            if block in self._unfinished and len(self._holders[block]) == 1:
                return block
        return None

    def holders(self, block: int) -> list[int]:
        """List the workers that still hold a block."""
        return sorted(self._holders.get(block, ()))

    def finish(self, worker: int, block: int) -> bool:
        """Take a block from its worker; return True if this is its first result."""
        since = self._release(worker, block)
        if since is not None:
            self._longest = max(self._longest, self._clock() - since)
        if block not in self._unfinished:
            return False
        self._unfinished.remove(block)
        self._again.pop(block, None)  # it had been given up here, and arrived all the same
        return True

    def fail(self, worker: int, block: int, reason: str) -> None:
        """Let a block that failed be tried again.

        Raises:
            ClusterError: it has failed too often.
        """
        self._release(worker, block)
        if block not in self._unfinished:
            return
        reasons = self._failures.setdefault(block, [])
        reasons.append(reason)
        if len(reasons) >= MOST_TRIES:
            raise ClusterError(
                f"block {block} failed {len(reasons)} times, the last time by: {reason}"
            )
        self._return(block)

    def lose(self, worker: int, reason: str) -> None:
        """Take all blocks from a worker that is lost; the one that it was playing has failed.

        Raises:
            ClusterError: that block has failed too often.
        """
        held = list(self._held.get(worker, {}))
        for block in held:
            self._release(worker, block)
        self._by_load[0].pop(worker, None)
        self._held.pop(worker, None)
        self._ready -= {worker}
        if held:
            self.fail(worker, held[0], reason)
        for block in held[1:]:  # not its fault: these had not begun
            self._return(block)

    def _release(self, worker: int, block: int) -> float | None:
        """Take a block from a worker; return when it was sent there, None if it is not there."""
        since = self._sent.pop((worker, block), None)
        if since is not None:
            self._set_load(worker, block, holds=False)
            self._holders[block].remove(worker)
        return since

    def _set_load(self, worker: int, block: int, *, holds: bool) -> None:
        held = self._held[worker]
        self._by_load[len(held)].pop(worker, None)
        if holds:
            held[block] = None
        else:
            del held[block]
        if worker in self._ready:
            self._by_load[len(held)][worker] = None

    def _return(self, block: int) -> None:
        if block in self._unfinished and not self._holders.get(block):
            self._counts.lost += 1
            self._again[block] = None


def play_blocks(
    crew: Crew,
    blocks: Iterable[int],
    *,
    should_stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    counts: Counts | None = None,
) -> Iterator[Event]:
    """Play blocks, and yield the event of each one's first result when it arrives.

    It returns early if `should_stop`, and leaves the blocks in flight to the crew.

    Raises:
        ClusterError: a block fails everywhere, or no worker is left.
    """
    schedule = BlockSchedule(blocks, clock, counts)
    while not schedule.is_done and not should_stop():
        for worker, block in schedule.hand_out(crew.ready()):
            crew.send(worker, block)
        for event in crew.wait(LOOK_S):
            if event.block is None:
                schedule.lose(event.worker, event.reason)
            elif event.result is None:
                schedule.fail(event.worker, event.block, event.reason)
            elif schedule.finish(event.worker, event.block):
                for slower in schedule.holders(event.block):
                    crew.overtaken(slower)
                yield event
