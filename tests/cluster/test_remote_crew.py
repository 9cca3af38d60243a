"""A driver that is lost is replaced, and its workers with it; the run fails if none comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from blobmaster.cluster import remote_crew
from blobmaster.cluster.actor import packed
from blobmaster.cluster.driver import Report
from blobmaster.cluster.errors import ClusterError, DriverLostError
from blobmaster.cluster.ray_cluster import RayPool
from blobmaster.cluster.remote_crew import RemoteCrew
from blobmaster.cluster.schedule import Counts, Event, play_blocks
from blobmaster.run.status.schema import Host


class FakeDriver:
    """A driver whose two workers finish a block at each step, until it is lost."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.jobs: list[bytes] = []
        self.is_asked = False
        self.is_killed = False
        self._report = Report([], {1, 2}, None)

    def ask(self, method: str, *arguments: Any, patience: float = 0.0) -> Any:
        del patience
        if method == "end":
            return [Host(name="after")]
        self.jobs += arguments
        return Report([], {1, 2}, None, [Host(name="before")])

    def request(self, method: str, overtaken: list[int], blocks: Any, seconds: float) -> None:
        del method, overtaken, seconds
        if not self._left:
            raise DriverLostError("its head is gone")
        self._left -= 1
        events = [
            Event(worker, block, packed(f"result {block}"), units=3, core_seconds=0.5)
            for worker, block in blocks
        ]
        self._report = Report(events, {1, 2}, None)

    def reply(self, seconds: float) -> Report:
        del seconds
        return self._report

    def kill(self) -> None:
        self.is_killed = True


class Echo:
    """A job that other processes play."""

    def play(self, block: int, **_: object) -> str:
        raise AssertionError(f"block {block} is played elsewhere")


def crew_of(
    drivers: list[FakeDriver | Exception], on_hosts: Callable[[Sequence[Host]], None] = id
) -> RemoteCrew:
    """Return a crew that gets these drivers one after another, and then the last error again."""

    def connect() -> Any:
        made = drivers.pop(0) if len(drivers) > 1 else drivers[0]
        if isinstance(made, Exception):
            raise made
        return made

    return RemoteCrew(connect, on_hosts)


def played(crew: RemoteCrew, blocks: int) -> dict[int, bytes]:
    crew.begin(b"job")
    never: Callable[[], bool] = lambda: False  # noqa: E731
    events = play_blocks(crew, range(blocks), should_stop=never)
    return {event.block: event.result for event in events}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_crew, "PAUSE_S", 0.0)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_blocks_of_a_lost_driver_are_played_by_the_next(steps: int) -> None:
    first, second = FakeDriver(steps), FakeDriver(100)
    refusal = ClusterError("nothing answers")
    crew = crew_of([first, refusal, refusal, second])
    assert played(crew, 20) == {block: packed(f"result {block}") for block in range(20)}
    assert first.is_killed
    assert second.jobs == [b"job"]


def test_the_pool_counts_the_units_and_the_time_of_each_block_once() -> None:
    units: list[int] = []
    pool = RayPool(crew_of([FakeDriver(100)]), Counts())
    for _ in range(2):
        found = pool.map(Echo(), range(8), should_stop=lambda: False, on_units=units.append)
        assert sorted(found) == [(block, f"result {block}") for block in range(8)]
    assert units == [3] * 16
    assert pool.core_seconds_elsewhere == 16 * 0.5


def test_the_hosts_are_passed_on_whenever_a_driver_tells_them() -> None:
    told: list[str] = []
    crew = crew_of([FakeDriver(1), FakeDriver(100)], lambda hosts: told.append(hosts[0].name))
    assert len(played(crew, 20)) == 20
    crew.end()
    assert told == ["before", "before", "after"]  # of two drivers, and of the job's end


def test_a_cluster_that_does_not_come_back_ends_the_run_with_both_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_crew, "REJOIN_S", 0.0)
    crew = crew_of([FakeDriver(2), ClusterError("nothing answers")])
    with pytest.raises(ClusterError, match=r"its head is gone.*nothing answers"):
        played(crew, 20)


def test_a_driver_that_never_starts_is_refused() -> None:
    with pytest.raises(ClusterError, match="does not start"):
        crew_of([DriverLostError("no answer")])


class SlowDriver(FakeDriver):
    """A driver that does not reply until it is let go, and then, if it is lost, not at all."""

    def __init__(self) -> None:
        super().__init__(100)
        self.requests: list[tuple[list[int], list[tuple[int, int]]]] = []
        self.endings = 0
        self.is_slow = self.is_lost = False

    def ask(self, method: str, *arguments: Any, patience: float = 0.0) -> Any:
        self.endings += method == "end"
        if self.is_lost:
            raise DriverLostError("its head is gone")
        return super().ask(method, *arguments, patience=patience)

    def request(self, method: str, overtaken: list[int], blocks: Any, seconds: float) -> None:
        super().request(method, overtaken, blocks, seconds)
        self.requests.append((overtaken, blocks))
        self.is_asked = True

    def reply(self, seconds: float) -> Any:
        if self.is_lost:
            raise DriverLostError("its head is gone")
        if self.is_slow:
            return None
        self.is_asked = False
        return super().reply(seconds)


def test_what_is_sent_during_a_long_step_is_passed_on_once_in_the_next() -> None:
    driver = SlowDriver()
    crew = crew_of([driver])
    crew.begin(b"job")
    crew.send(1, 7)
    driver.is_slow = True
    assert crew.wait(0.0) == []
    crew.send(2, 8)
    crew.overtaken(1)
    driver.is_slow = False
    assert [event.block for event in crew.wait(0.0)] == [7]
    for _ in range(2):
        crew.wait(0.0)
    assert driver.requests == [([], [(1, 7)]), ([1], [(2, 8)]), ([], [])]


def test_what_was_for_workers_of_a_lost_driver_is_not_passed_on_to_the_next() -> None:
    first, second = SlowDriver(), SlowDriver()
    crew = crew_of([first, second])
    crew.begin(b"job")
    first.is_slow = True
    crew.wait(0.0)
    crew.send(1, 7)
    crew.overtaken(2)
    first.is_lost = True
    assert {event.worker for event in crew.wait(0.0)} == {1, 2}
    crew.wait(0.0)
    assert second.requests == [([], [])]


def test_blocks_of_a_job_that_was_stopped_are_not_sent_in_the_next() -> None:
    driver = SlowDriver()
    crew = crew_of([driver])
    crew.begin(b"job")
    crew.send(1, 7)
    crew.end()
    crew.begin(b"next job")
    crew.wait(0.0)
    assert driver.requests == [([], [])]


def test_a_job_ends_although_its_driver_is_busy_or_lost() -> None:
    driver = SlowDriver()
    crew = crew_of([driver])
    crew.begin(b"job")
    driver.is_slow = True
    crew.wait(0.0)
    crew.end()  # a stop must not wait for the step
    assert driver.endings == 0
    driver.is_asked, driver.is_lost = False, True
    crew.end()
    assert driver.endings == 1
