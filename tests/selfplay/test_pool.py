"""The pool: every block once, errors raised, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from blobmaster.selfplay.pool import LocalPool, Pool

DEADLINE_S = 30


def prepare() -> None:
    pass


@dataclass(frozen=True)
class Calling:
    """A job that calls a function, and counts a block as one unit."""

    function: Callable[[int], object]

    def play(self, block, *, should_stop, on_units):
        if should_stop():
            return None
        result = self.function(block)
        on_units(1)
        return result


def mapped(pool: Pool, function, blocks, should_stop=lambda: False, on_units=lambda _: None):
    return pool.map(Calling(function), blocks, should_stop=should_stop, on_units=on_units)


def worker_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("worker")]


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("blocks", [[], [5], list(range(40))])
def test_every_block_is_mapped_once(workers, blocks):
    found = list(mapped(LocalPool(workers, prepare), lambda block: block**2, blocks))
    assert sorted(found) == [(block, block**2) for block in blocks]
    assert not worker_threads()


def test_no_more_blocks_run_at_once_than_there_are_workers_and_each_worker_is_prepared():
    prepared: list[int] = []
    together = threading.Barrier(3, timeout=DEADLINE_S)
    running: list[int] = []
    most: list[int] = []

    def block(number: int) -> int:
        assert threading.get_ident() in prepared
        running.append(number)
        most.append(len(running))
        together.wait()  # broken if fewer than three ever run side by side
        running.remove(number)
        together.wait()
        return number

    pool = LocalPool(3, lambda: prepared.append(threading.get_ident()))
    assert len(list(mapped(pool, block, range(6)))) == 6
    assert max(most) == 3
    assert len(set(prepared)) == 3


def test_an_exception_in_a_block_is_raised_after_the_running_blocks_have_ended():
    started = threading.Event()
    ended: list[int] = []

    def block(number: int) -> None:
        if number == 1:
            started.wait(DEADLINE_S)
            raise ArithmeticError("block 1")
        started.set()
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(ArithmeticError, match="block 1"):
        list(mapped(LocalPool(2, prepare), block, range(1000)))
    assert 0 in ended
    assert len(ended) < 900  # blocks that had not begun were given up
    assert not worker_threads()


def test_closing_the_iterator_ends_the_workers():
    played: list[int] = []

    def block(number: int) -> int:
        played.append(number)
        time.sleep(0.01)
        return number

    results = mapped(LocalPool(2, prepare), block, range(1000))
    next(results)
    results.close()
    assert len(played) < 900
    assert not worker_threads()


def test_every_unit_is_counted_and_blocks_that_a_stop_cut_short_are_left_out():
    counted: list[int] = []
    stopped = threading.Event()

    def block(number: int) -> int:
        if number == 3:
            stopped.set()
        return number

    pool = LocalPool(1, prepare)
    found = list(mapped(pool, block, range(9), stopped.is_set, counted.append))
    assert found == [(number, number) for number in range(4)]
    assert counted == [1] * 4


@pytest.mark.parametrize("workers", [0, -1])
def test_a_pool_without_workers_is_refused(workers):
    with pytest.raises(ValueError, match="at least one worker"):
        LocalPool(workers, prepare)
