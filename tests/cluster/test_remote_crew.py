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
