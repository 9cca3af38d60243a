"""Blocks on workers that die, fail and hang: each is finished once, or the run stops."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable

import pytest

from blobmaster.cluster.errors import ClusterError
from blobmaster.cluster.schedule import (
    IN_FLIGHT,
    LATE_FIRST_S,
    LATE_S,
    MOST_TRIES,
    BlockSchedule,
    Counts,
    Event,
    play_blocks,
)


def result_of(block: int) -> bytes:
    return f"result of block {block}".encode()


class FakeCrew:
    """Workers that finish a block at each `wait`, unless `fate` says otherwise."""

    def __init__(self, workers: int, fate: Callable[[int, int], str] = lambda *_: "done") -> None:
        """Args:
        workers: how many there are.
        fate: returns "done", "twice", "fails", "dies" or "hangs" for a worker and its block.
        """
        self._fate = fate
        self._queues: dict[int, list[int]] = {worker: [] for worker in range(workers)}
        self._numbers = workers
        self.most_in_flight = 0
        self.sent: list[tuple[int, int]] = []
        self.late: list[int] = []

    def ready(self) -> set[int]:
        if not self._queues:
            raise ClusterError("no worker is left")
        return set(self._queues)

    def send(self, worker: int, block: int) -> None:
        self._queues[worker].append(block)
        self.sent.append((worker, block))
        self.most_in_flight = max(self.most_in_flight, len(self._queues[worker]))

    def overtaken(self, worker: int) -> None:
        self.late.append(worker)

    def wait(self, seconds: float) -> list[Event]:
        del seconds
        events: list[Event] = []
        for worker in list(self._queues):
            events += self._step(worker)
        return events

    def _step(self, worker: int) -> list[Event]:
        queue = self._queues[worker]
        if not queue:
            return []
        fate = self._fate(worker, queue[0])
        if fate == "hangs":
            return []
        if fate == "dies":
            del self._queues[worker]
            self._queues[self._numbers] = []
            self._numbers += 1
            return [Event(worker, None, reason="killed")]
        block = queue.pop(0)
        if fate == "fails":
            return [Event(worker, block, reason=f"no luck with {block}")]
        return [Event(worker, block, result_of(block))] * (2 if fate == "twice" else 1)


def never() -> bool:
    return False


def played(crew: FakeCrew, blocks: int, **hooks) -> dict[int, bytes]:
    """Play blocks; return the result of each, and check that none came twice."""
    events = play_blocks(crew, range(blocks), **({"should_stop": never} | hooks))
    found = [(event.block, event.result) for event in events]
    assert len(dict(found)) == len(found)
    return dict(found)


def next_for(schedule: BlockSchedule, worker: int) -> int | None:
    """Hand out one block to a worker, or None if it is to wait."""
    for chosen, block in schedule.hand_out({worker}):
        assert chosen == worker  # no other is ready
        return block
    return None


def whole(blocks: int) -> dict[int, bytes]:
    return {block: result_of(block) for block in range(blocks)}


@pytest.mark.parametrize("workers", [1, 2, 5, 30])
def test_every_block_is_played_once(workers: int) -> None:
    crew = FakeCrew(workers)
    assert played(crew, 20) == whole(20)
    assert len(crew.sent) == 20
    assert crew.most_in_flight <= IN_FLIGHT


def test_a_result_that_arrives_twice_counts_once() -> None:
    assert played(FakeCrew(3, lambda *_: "twice"), 20) == whole(20)


@pytest.mark.parametrize("seed", range(30))
def test_blocks_of_workers_that_die_at_random_are_played_again(seed: int) -> None:
    draws = random.Random(seed)
    deaths: dict[int, int] = {}

    def fate(worker: int, block: int) -> str:
        if draws.random() < 0.3 and deaths.get(block, 0) < MOST_TRIES - 1:
            deaths[block] = deaths.get(block, 0) + 1
            return "dies"
        return draws.choice(["done", "twice", "hangs"])

    assert played(FakeCrew(4, fate), 25) == whole(25)


def test_a_block_that_fails_on_three_tries_stops_the_run_with_the_reason() -> None:
    tries: list[int] = []

    def fate(worker: int, block: int) -> str:
        tries.extend([block] if block == 5 else [])
        return "fails" if block == 5 else "done"

    with pytest.raises(ClusterError, match=r"block 5 .* 3 times.* no luck with 5"):
        played(FakeCrew(3, fate), 20)
    assert len(tries) == MOST_TRIES


def test_a_block_that_kills_three_workers_stops_the_run() -> None:
    fate = {4: "dies"}
    with pytest.raises(ClusterError, match=r"block 4 .* killed"):
        played(FakeCrew(3, lambda _, block: fate.get(block, "done")), 20)


def test_only_the_block_that_was_in_play_is_blamed_for_a_death() -> None:
    schedule = BlockSchedule(range(20))
    deaths = MOST_TRIES - 1
    for worker in range(deaths):
        assert [next_for(schedule, worker) for _ in range(2)] == [0, 1]
        schedule.lose(worker, "killed")
    assert [next_for(schedule, deaths) for _ in range(2)] == [0, 1]
    assert schedule.finish(deaths, 0)
    schedule.lose(deaths, "killed")  # the first death while block 1 was in play
    assert next_for(schedule, deaths + 1) == 1


def test_a_worker_that_hangs_does_not_hold_up_the_iteration() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += LATE_S / 50
        return now[0]

    crew = FakeCrew(3, lambda worker, _: "hangs" if worker == 1 else "done")
    assert played(crew, 20, clock=clock) == whole(20)
    held = [block for worker, block in crew.sent if worker == 1]
    assert len(crew.sent) == 20 + len(held)  # each of its blocks was given to one other
    assert crew.late == [1] * len(held)


def test_a_worker_that_is_as_fast_as_the_others_is_never_called_late() -> None:
    crew = FakeCrew(3)
    played(crew, 20)
    assert crew.late == []


def test_no_block_is_late_before_one_is_finished_and_its_length_known() -> None:
    now = [0.0]
    schedule = BlockSchedule(range(2), lambda: now[0])
    assert [next_for(schedule, worker) for worker in (0, 1, 2)] == [0, 1, None]
    now[0] = LATE_S + 1
    assert next_for(schedule, 2) is None
    now[0] = LATE_FIRST_S + 1
    assert next_for(schedule, 2) == 0


def test_a_block_is_late_after_four_times_the_longest() -> None:
    now = [0.0]
    schedule = BlockSchedule(range(3), lambda: now[0])
    assert [next_for(schedule, worker) for worker in (0, 1)] == [0, 1]
    now[0] = 2 * LATE_S
    assert schedule.finish(0, 0)
    assert next_for(schedule, 0) == 2
    now[0] = 4 * 2 * LATE_S - 1
    assert next_for(schedule, 2) is None
    now[0] = 4 * 2 * LATE_S + 1
    assert next_for(schedule, 2) == 1


class PatientCrew(FakeCrew):
    """Workers of which one finishes a block at each `wait`."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._turns = itertools.cycle(range(workers))

    def wait(self, seconds: float) -> list[Event]:
        del seconds
        return self._step(next(self._turns))


def calls_of(play: Callable[[], object]) -> int:
    """Count the Python functions that are called."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        play()
    finally:
        sys.setprofile(None)
    return count


def test_a_block_takes_as_many_steps_with_hundreds_of_workers_as_with_ten() -> None:
    few, many = (
        calls_of(lambda of=workers: played(PatientCrew(of), 4 * of)) / (4 * workers)
        for workers in (10, 500)
    )
    assert many < 1.5 * few


def test_lost_and_repeated_blocks_are_counted_over_all_jobs() -> None:
    counts = Counts()
    died: list[int] = []

    def fate(worker: int, block: int) -> str:
        if block in (3, 7) and died.count(block) < 2:
            died.append(block)
            return "fails" if block == 3 else "dies"
        return "done"

    assert played(FakeCrew(1, fate), 10, counts=counts) == whole(10)
    # Block 3 failed twice. Block 7 was lost twice with its worker, and block 8 behind it.
    assert counts.lost == counts.repeated
    assert counts.lost == 2 + 2 + 2
    assert played(FakeCrew(3, lambda *_: "twice"), 10, counts=counts) == whole(10)
    assert counts.lost == 6


def test_a_late_block_is_repeated_and_not_lost() -> None:
    now, counts = [0.0], Counts()

    def clock() -> float:
        now[0] += LATE_S / 50
        return now[0]

    crew = FakeCrew(2, lambda worker, _: "hangs" if worker == 1 else "done")
    assert played(crew, 6, clock=clock, counts=counts) == whole(6)
    held = [block for worker, block in crew.sent if worker == 1]
    assert (counts.lost, counts.repeated) == (0, len(held))


def test_the_last_blocks_are_spread_over_the_workers() -> None:
    crew = FakeCrew(4)
    played(crew, 4)
    assert sorted(worker for worker, _ in crew.sent) == [0, 1, 2, 3]


def test_as_many_blocks_as_workers_wait_until_somebody_is_idle() -> None:
    schedule = BlockSchedule(range(9))
    handed = list(schedule.hand_out({0, 1, 2, 3}))
    assert handed == [(0, 0), (1, 1), (2, 2), (3, 3), (0, 4)]


def test_a_worker_that_is_not_ready_gets_no_block() -> None:
    schedule = BlockSchedule(range(9))
    assert next_for(schedule, 0) == 0
    assert schedule.finish(0, 0)
    assert next_for(schedule, 1) == 1  # worker 0 had nothing to do
    assert next_for(schedule, 2) == 2
    assert schedule.finish(1, 1)
    assert next_for(schedule, 2) == 3  # worker 1 has had nothing to do since


def test_a_worker_with_the_number_of_a_lost_one_gets_blocks() -> None:
    schedule = BlockSchedule(range(9))
    assert next_for(schedule, 0) == 0
    schedule.lose(0, "its driver is gone")
    assert next_for(schedule, 0) == 0


def test_a_block_that_arrives_after_it_was_given_up_is_not_played_again() -> None:
    schedule = BlockSchedule(range(2))
    assert next_for(schedule, 0) == 0
    schedule.lose(0, "killed")
    assert schedule.finish(0, 0)
    assert next_for(schedule, 1) == 1
    assert next_for(schedule, 2) is None


def late_with_two(counts: Counts, *, failures: int = 0) -> BlockSchedule:
    """Return a schedule whose only block is late at worker 0, and at worker 1, too."""
    now = [0.0]
    schedule = BlockSchedule([0], lambda: now[0], counts)
    for _ in range(failures):
        assert next_for(schedule, 0) == 0
        schedule.fail(0, 0, "no luck")
    assert next_for(schedule, 0) == 0
    now[0] = LATE_FIRST_S + 1
    assert next_for(schedule, 1) == 0
    return schedule


def test_a_block_that_another_worker_still_plays_is_not_lost() -> None:
    counts = Counts()
    schedule = late_with_two(counts)
    schedule.fail(0, 0, "no luck")
    assert next_for(schedule, 2) is None
    assert counts.lost == 0


def test_a_block_that_is_finished_cannot_be_lost_or_stop_the_run() -> None:
    counts = Counts()
    schedule = late_with_two(counts, failures=MOST_TRIES - 1)
    lost = counts.lost
    assert schedule.finish(1, 0)
    schedule.fail(0, 0, "no luck")
    assert (schedule.is_done, counts.lost) == (True, lost)


def test_finished_blocks_behind_another_are_not_lost_with_their_worker() -> None:
    now, counts = [0.0], Counts()
    schedule = BlockSchedule(range(3), lambda: now[0], counts)
    assert [next_for(schedule, 0) for _ in range(2)] == [0, 1]
    now[0] = LATE_FIRST_S + 1
    assert [next_for(schedule, worker) for worker in (1, 2, 3)] == [2, 0, 1]
    assert schedule.finish(3, 1)
    schedule.lose(0, "killed")
    assert next_for(schedule, 4) is None
    assert counts.lost == 0


def test_a_short_block_does_not_hide_a_long_one() -> None:
    now = [0.0]
    schedule = BlockSchedule(range(3), lambda: now[0])
    assert [next_for(schedule, worker) for worker in (0, 1)] == [0, 1]
    now[0] = 2 * LATE_S
    assert schedule.finish(0, 0)
    assert next_for(schedule, 0) == 2
    now[0] += 1
    assert schedule.finish(0, 2)
    now[0] = 4 * 2 * LATE_S - 1
    assert next_for(schedule, 2) is None


def test_a_block_that_is_named_twice_is_played_once() -> None:
    crew = FakeCrew(1)
    events = play_blocks(crew, [3, 5, 7, 3, 5, 7], should_stop=never)
    assert [event.block for event in events] == [3, 5, 7]
    assert len(crew.sent) == 3


def test_a_stop_leaves_the_blocks_in_flight() -> None:
    looks = iter(range(3))
    found = played(FakeCrew(2), 20, should_stop=lambda: next(looks, None) is None)
    assert 0 < len(found) < 20


def test_a_crew_without_workers_ends_the_run() -> None:
    with pytest.raises(ClusterError, match="no worker is left"):
        played(FakeCrew(0), 3)


def test_no_blocks_need_no_worker() -> None:
    assert played(FakeCrew(0), 0) == {}
