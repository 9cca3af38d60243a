"""Map a function over block numbers on threads of this process.

Blocks are played in compiled code, evaluations included, which does not hold the GIL. So threads
are as fast as processes, share one set of weights, and cannot outlive the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

from blobmaster.run.container import usable_cores

Result = TypeVar("Result")


class Pool(Protocol):
    """Workers that play blocks. The result of a block does not depend on its worker."""

    def map(
        self, function: Callable[[int], Result], blocks: Iterable[int]
    ) -> Iterator[tuple[int, Result]]:
        """Yield pairs (block, `function(block)`) in the order in which blocks are finished.

        An exception in `function` is raised here, after the blocks in flight have ended.
        """
        ...


class LocalPool:
    """A pool of threads in this process."""

    def __init__(self, workers: int, prepare: Callable[[], None]) -> None:
        """Args:
        workers: number of threads.
        prepare: called in each thread before its first block.

        Raises:
            ValueError: `workers` is below 1.
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
                # After an error or an early close, blocks that wait must not start any more.
                for future in futures:
                    future.cancel()


def default_workers(wanted: int) -> int:
    """Return the number of worker threads for a setting; 0 means one per usable core."""
    return wanted or usable_cores()
