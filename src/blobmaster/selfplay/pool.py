"""Maps a function over block numbers on the threads of this machine.

Blocks are played in compiled code, evaluations included, which does not hold the GIL. So threads
are as fast as processes, share one set of weights, and cannot outlive the process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Pool(Protocol):
    """Workers that play blocks; which worker plays which block changes no result."""

    def map(
        self, function: Callable[[int], Result], blocks: Iterable[int]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (block, `function(block)`) in the order in which they are finished.

        An exception of the function is raised here, after the blocks in flight have ended.
        """
        ...


class LocalPool:
    """Threads of this process."""

    def __init__(self, workers: int, prepare: Callable[[], None]) -> None:
        """Args:
        workers: how many threads.
        prepare: called by each thread before its first block.

        Raises:
            ValueError: there would be no worker.
        """
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self.workers = workers
        self._prepare = prepare

    def map(
        self, function: Callable[[int], Result], blocks: Iterable[int]
    ) -> Iterator[tuple[int, Result]]:
        """See `Pool`."""
        with ThreadPoolExecutor(
            self.workers, thread_name_prefix="worker", initializer=self._prepare
        ) as threads:
            futures = {threads.submit(function, block): block for block in blocks}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:
                for future in futures:
                    future.cancel()


def default_workers(wanted: int) -> int:
    """The worker threads for a setting in which 0 means one a core."""
    return wanted or len(os.sched_getaffinity(0))
