"""Map a job over block numbers: the seam between what is played and who plays it.

On threads of this process (`LocalPool`), blocks are played in compiled code, evaluations included,
which does not hold the GIL. So threads are as fast as processes, share one set of weights, and
cannot outlive the process. The actors of a cluster are another pool (`blobmaster.cluster`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

from blobmaster.run.container import usable_cores

Result = TypeVar("Result")
Played = TypeVar("Played", covariant=True)


class Job(Protocol[Played]):
    """A function of a block's number, as data that can be pickled: it may run in another process.

    A block's result follows from the job and its number alone, whoever plays it.
    """

    def play(
        self, block: int, *, should_stop: Callable[[], bool], on_units: Callable[[int], None]
    ) -> Played | None:
        """Play a block and return its result; None if `should_stop` cut it short.

        Args:
            block: its number.
            should_stop: to be called often.
            on_units: to be called with the number of rounds or deals just finished.
        """
        ...


class Pool(Protocol):
    """Workers that play blocks. The result of a block does not depend on its worker."""

    @property
    def core_seconds_elsewhere(self) -> float:
        """CPU time of all blocks so far that other processes have played."""
        ...

    def map(
        self,
        job: Job[Result],
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_units: Callable[[int], None],
    ) -> Iterator[tuple[int, Result]]:
        """Yield pairs (block, result) in the order in which blocks are finished.

        An exception in a block is raised here, after the blocks in flight have ended.

        Args:
            job: plays the blocks.
            blocks: their numbers.
            should_stop: called often, from any thread. Blocks that it cut short are not yielded.
            on_units: called from any thread with the number of rounds or deals just finished.
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
        self.core_seconds_elsewhere = 0.0
        self._prepare = prepare

    def map(
        self,
        job: Job[Result],
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_units: Callable[[int], None],
    ) -> Iterator[tuple[int, Result]]:
        """See `Pool`."""
        with ThreadPoolExecutor(
            self.workers, thread_name_prefix="worker", initializer=self._prepare
        ) as threads:
            futures = {
                threads.submit(job.play, block, should_stop=should_stop, on_units=on_units): block
                for block in blocks
            }
            try:
                for future in as_completed(futures):
                    result = future.result()
                    if result is not None:
                        yield futures[future], result
            finally:
                # After an error or an early close, blocks that wait must not start any more.
                for future in futures:
                    future.cancel()


def default_workers(wanted: int) -> int:
    """Return the number of worker threads for a setting; 0 means one per usable core."""
    return wanted or usable_cores()
