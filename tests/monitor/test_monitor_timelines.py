"""Three days of a run as seen by a monitor: no false alarm and no missed end.

A timeline is what happened: units of work, some very slow; a clock that is set or runs wrong; a
laptop that sleeps; a new session; at last an end. The judging code is the monitor's own; the clocks
and the process table are the timeline's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import pytest
from monitor_terminal import make_status

from blobmaster.monitor.read.liveness import (
    LAST_WORD_S,
    SILENCE_S,
    STALL_FLOOR_S,
    STALL_GAPS,
    Observation,
    Process,
    judge,
    observe,
)
from blobmaster.run.status.schema import Status

HOURS = 72
INTERVAL_S = 5.0
BEAT_S = 2.0
SETTING_CLOCKS = (-86_400, -3600, -7, 7, 3600, 86_400)


@dataclass
class World:
    """A trainer, its machine and its watcher, moved on look by look."""

    luck: random.Random
    remote: bool = False
    mono: float = 1e5
    wall: float = 1.7e9
    trainer_clock_off: float = 0.0
    """Offset of the trainer's clock from the monitor's."""
    pid: int = 4000
    started_at: float = 1.7e9 - 60
    seq: int = 1
    count: int = 0
    moved_at: float = 1e5
    moved_wall: float = 1.7e9
    slowest: float = 0.0
    slowest_ever: float = 0.0
    next_unit_at: float = 0.0
    is_alive: bool = True
    is_stopped: bool = False
    hangs: bool = False
    written: Status = field(default_factory=make_status)

    def pass_time(self) -> None:
        """Until the next look: the trainer works and writes, if it can."""
        self.mono += INTERVAL_S
        self.wall += INTERVAL_S
        if not self.is_alive or self.is_stopped:
            return
        if self.mono >= self.next_unit_at and not self.hangs:
            self.slowest = max(self.slowest, self.mono - self.moved_at)
            self.slowest_ever = max(self.slowest_ever, self.slowest)
            self.count, self.moved_at = self.count + 1, self.mono
            self.moved_wall = self.wall + self.trainer_clock_off
            self.next_unit_at = self.mono + self._unit_s()
        self.seq += round(INTERVAL_S / BEAT_S)
        self.write()

    def _unit_s(self) -> float:
        """One unit in 200 takes much longer, but under three times the slowest so far."""
        longer = min(0.8 * STALL_GAPS * max(self.slowest, STALL_FLOOR_S / STALL_GAPS), 5400)
        return longer if self.luck.random() < 0.005 else self.luck.uniform(0, 20)

    def write(self, state: str = "running") -> None:
        self.written = make_status(
            state=state,
            seq=self.seq,
            pid=self.pid,
            process_started_at=self.started_at,
            host="elsewhere" if self.remote else "here",
            heartbeat_at=self.wall + self.trainer_clock_off,
            progress_count=self.count,
            progress_at=self.moved_wall,
            slowest_gap_s=self.slowest,
        )

    @property
    def process(self) -> Process:
        """Return the state of this trainer's process; a reused pid is not its."""
        if self.remote:
            return Process.ELSEWHERE
        if not self.is_alive:
            return Process.GONE
        return Process.STOPPED if self.is_stopped else Process.ALIVE

    def read(self, before: Observation | None) -> Observation:
        return observe(before, self.written, self.process, self.mono, self.wall)

    def session_begins(self) -> None:
        """The run is resumed, perhaps by a process with the pid of the one before."""
        self.pid += self.luck.choice([0, 1])
        self.started_at = self.wall
        self.seq, self.slowest, self.is_alive = 1, 0.0, True
        self.moved_at, self.moved_wall = self.mono, self.wall + self.trainer_clock_off
        self.next_unit_at = self.mono
        self.write()


def set_clock(world: World) -> None:
    step = world.luck.choice(SETTING_CLOCKS)
    if world.remote:
        world.trainer_clock_off += step
    else:
        world.wall += step


def sleep_laptop(world: World) -> None:
    """Monotonic time stands still and the trainer with it; over a network it goes on elsewhere."""
    slept = world.luck.uniform(60, 28_800)
    world.wall += slept
    if world.remote:
        world.seq += round(slept / BEAT_S)
        world.count += round(slept / 20)


def resume(world: World) -> None:
    world.session_begins()


HAPPENINGS: tuple[Callable[[World], None], ...] = (set_clock, sleep_laptop, resume)


def days(world: World) -> Iterator[None]:
    """Each look of 72 hours, with something happening every twenty minutes or so."""
    for _ in range(round(HOURS * 3600 / INTERVAL_S)):
        world.pass_time()
        if world.luck.random() < 0.004:
            world.luck.choice(HAPPENINGS)(world)
        yield


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("remote", [False, True])
def test_three_days_of_slow_units_wrong_clocks_sleep_and_resumes_raise_no_false_alarm(
    seed: int, remote: bool
):
    world = World(random.Random(seed), remote=remote)
    world.trainer_clock_off = 5400.0 if remote else 0.0
    looked, states = None, set[str]()
    for _ in days(world):
        looked = world.read(looked)
        states.add(judge(world.written, looked, SILENCE_S).state)
    assert states == {"running"}
    assert world.slowest_ever > STALL_FLOOR_S


def dies(world: World) -> None:
    world.is_alive = False


def is_stopped(world: World) -> None:
    world.is_stopped = True


def hangs(world: World) -> None:
    world.hangs = True


ENDS = [
    (False, dies, "dead", LAST_WORD_S + 2 * INTERVAL_S),
    (False, is_stopped, "stalled", INTERVAL_S),
    (True, dies, "no contact", SILENCE_S + INTERVAL_S),
    (True, is_stopped, "no contact", SILENCE_S + INTERVAL_S),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("remote", "end", "word", "within_s"), ENDS)
def test_whenever_in_three_days_a_run_ends_it_is_said_in_time_and_for_good(
    seed: int, remote: bool, end: Callable[[World], None], word: str, within_s: float
):
    luck = random.Random(100 + seed)
    world, ended_at = World(random.Random(seed), remote=remote), luck.uniform(3600, HOURS * 3600)
    looked = None
    for number, _ in enumerate(days(world)):
        looked = world.read(looked)
        if number * INTERVAL_S >= ended_at:
            break
    end(world)
    since = world.mono
    for _ in range(720):
        world.pass_time()
        if world.luck.random() < 0.01:
            set_clock(world)
        looked = world.read(looked)
        said = judge(world.written, looked, SILENCE_S).state
        if world.mono - since > within_s:
            assert said == word, f"{world.mono - since} s after it"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("remote", [False, True])
def test_a_run_that_hangs_is_stalled_after_three_times_its_slowest_gap(seed: int, remote: bool):
    world, looked = World(random.Random(seed), remote=remote), None
    for number, _ in enumerate(days(world)):
        looked = world.read(looked)
        if number == 5000:
            break
    hangs(world)
    limit = max(STALL_FLOOR_S, STALL_GAPS * world.slowest)
    for _ in range(round(2 * limit / INTERVAL_S)):
        world.pass_time()
        looked = world.read(looked)
        idle = world.mono - world.moved_at
        said = judge(world.written, looked, SILENCE_S).state
        if idle <= limit - INTERVAL_S:
            assert said == "running"
        if idle > limit + 2 * INTERVAL_S:
            assert said == "stalled"


def test_a_dead_run_whose_pid_another_process_has_stays_dead_until_it_is_resumed():
    world = World(random.Random(0))
    looked = world.read(None)
    dies(world)
    for _ in range(10):
        world.pass_time()
        looked = world.read(looked)
    assert judge(world.written, looked, SILENCE_S).state == "dead"
    world.session_begins()
    looked = world.read(looked)
    assert judge(world.written, looked, SILENCE_S).state == "running"
    old = msgspec.structs.replace(world.written, process_started_at=1.0)
    assert judge(
        old, observe(looked, old, Process.GONE, world.mono, world.wall), SILENCE_S
    ).state == ("dead")
