"""Hands blocks to workers elsewhere, again if a worker dies, and takes each result once.

It knows no Ray: a `Crew` starts workers, sends them blocks and reports what became of these.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
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
"""The same before any block is finished. Nobody knows yet how long one takes."""
LOOK_S = 0.1
"""Time between two looks at `should_stop`."""


class Event(NamedTuple):
    """The end of a block at a worker, or the loss of a worker."""

    worker: int
    block: int | None
    """None if the worker is lost, with all its blocks."""
    result: bytes | None = None
    """None after a failure."""
    reason: str = ""
    """The failure, in one line."""


class Crew(Protocol):
    """Workers elsewhere. Each plays the blocks that it was sent one after another."""

    def ready(self) -> Set[int]:
        """Return the workers that take blocks now; a lost one comes back under another number.

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
    """The blocks of a job: waiting, in flight at workers, or finished."""

    def __init__(self, blocks: Iterable[int], clock: Callable[[], float] = time.monotonic) -> None:
        self._waiting = deque(dict.fromkeys(blocks))
        self._unfinished = set(self._waiting)
        self._held: dict[int, dict[int, float]] = {}
        """By worker, the blocks at it and since when, in the order in which it plays them."""
        self._failures: dict[int, list[str]] = {}
        self._longest = 0.0
        self._clock = clock

    @property
    def is_done(self) -> bool:
        """True if every block is finished."""
        return not self._unfinished

    def next_for(self, worker: int) -> int | None:
        """Return a block for a worker, which holds it from now on; None if it is to wait."""
        held = self._held.setdefault(worker, {})
        # The last blocks are not queued behind others, so that no worker idles beside a queue.
        room = IN_FLIGHT if len(self._waiting) > len(self._held) else 1
        if len(held) >= room:
            return None
        block = self._waiting.popleft() if self._waiting else self._late_block()
        if block is not None:
            held[block] = self._clock()
        return block

    def others_with(self, worker: int, block: int) -> list[int]:
        """List the other workers that hold a block."""
        return [other for other, held in self._held.items() if block in held and other != worker]

    def finish(self, worker: int, block: int) -> bool:
        """Take a block from its worker; return True if this is its first result."""
        since = self._held.get(worker, {}).pop(block, None)
        if since is not None:
            self._longest = max(self._longest, self._clock() - since)
        if block not in self._unfinished:
            return False
        self._unfinished.remove(block)
        if block in self._waiting:  # it had been given up here, and arrived all the same
            self._waiting.remove(block)
        return True

    def fail(self, worker: int, block: int, reason: str) -> None:
        """Let a block that failed be tried again.

        Raises:
            ClusterError: it has failed too often.
        """
        self._held.get(worker, {}).pop(block, None)
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
        held = list(self._held.pop(worker, {}))
        for block in reversed(held[1:]):  # not its fault: these had not begun
            self._return(block)
        if held:
            self.fail(worker, held[0], reason)

    def _return(self, block: int) -> None:
        is_held = any(block in held for held in self._held.values())
        if block in self._unfinished and not is_held and block not in self._waiting:
            self._waiting.appendleft(block)

    def _late_block(self) -> int | None:
        limit = max(LATE_S, LATE_FACTOR * self._longest) if self._longest else LATE_FIRST_S
        now = self._clock()
        for held in self._held.values():
            for block, since in held.items():
                copies = sum(block in other for other in self._held.values())
                if block in self._unfinished and now - since > limit and copies == 1:
                    return block
        return None


def play_blocks(
    crew: Crew,
    blocks: Iterable[int],
    *,
    should_stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[int, bytes]]:
    """Play blocks, and yield each once, with its number and its first result, when that arrives.

    It returns early if `should_stop`, and leaves the blocks in flight to the crew.

    Raises:
        ClusterError: a block fails everywhere, or no worker is left.
    """
    schedule = BlockSchedule(blocks, clock)
    while not schedule.is_done and not should_stop():
        for _ in range(IN_FLIGHT):  # everybody's first block before anybody's second
            for worker in sorted(crew.ready()):
                if (block := schedule.next_for(worker)) is not None:
                    crew.send(worker, block)
        for event in crew.wait(LOOK_S):
            if event.block is None:
                schedule.lose(event.worker, event.reason)
            elif event.result is None:
                schedule.fail(event.worker, event.block, event.reason)
            elif schedule.finish(event.worker, event.block):
                for other in schedule.others_with(event.worker, event.block):
                    crew.overtaken(other)
                yield event.block, event.result
