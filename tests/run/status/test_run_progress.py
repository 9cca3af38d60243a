"""Elapsed time and ETA: only this session's speed counts, and waiting or a stop never does."""

import pytest

from blobmaster.run.status.eta import OTHER, IterationTimes, estimate
from blobmaster.run.status.run_progress import EXACT, RunProgress
from blobmaster.run.status.running_clock import GAP_SECONDS, RunningClock
from blobmaster.run.status.step_progress import StepProgress


def run_progress(first: int, total: int, **options) -> RunProgress:
    return RunProgress(first=first, total=total, elapsed_before_s=0.0, now=0.0, **options)


def test_the_time_left_is_unknown_until_an_iteration_is_done():
    running = run_progress(0, 10)
    assert running.sample(50.0).seconds_left is None
    running.complete(0, 60.0)
    assert running.sample(60.0).seconds_left == pytest.approx(9 * 60)


def test_restored_iterations_are_not_work():
    resumed = run_progress(90, 100)
    assert resumed.sample(1.0).seconds_left is None
    resumed.complete(90, 60.0)
    assert resumed.sample(60.0).seconds_left == pytest.approx(9 * 60)


def test_waiting_counts_neither_as_elapsed_nor_as_pace():
    running = run_progress(0, 3)
    running.pause_clock(10.0)
    running.pause_clock(20.0)
    running.resume_clock(500.0)
    running.resume_clock(1000.0)
    running.complete(0, 1050.0)
    sample = running.sample(1050.0)
    assert sample.elapsed_seconds == pytest.approx(60)
    assert sample.seconds_left == pytest.approx(120)


def test_elapsed_goes_on_from_the_sessions_before():
    resumed = RunProgress(first=5, total=10, elapsed_before_s=3600.0, now=100.0)
    assert resumed.sample(160.0).elapsed_seconds == pytest.approx(3660)


def test_the_iteration_is_counted_from_one_and_never_passes_the_last():
    running = run_progress(0, 2)
    assert (running.sample(0.0).iteration, running.sample(0.0).progress) == (1, 0.0)
    running.complete(0, 1.0)
    assert (running.sample(1.0).iteration, running.sample(1.0).progress) == (2, 0.5)
    running.complete(1, 2.0)
    done = running.sample(2.0)
    assert (done.iteration, done.progress, done.seconds_left) == (2, 1.0, 0.0)


def iteration_of(seconds: float) -> IterationTimes:
    return IterationTimes({OTHER: seconds}, {OTHER: 1.0})


def test_a_cold_first_iteration_counts_only_while_it_is_alone():
    ahead = {"now": {OTHER: 1.0}, "spent_s": 0, "after": {OTHER: 1.0}}
    assert estimate([iteration_of(100)], **ahead) == 200
    assert estimate([iteration_of(100), iteration_of(10)], **ahead) == 20


def test_a_slow_iteration_takes_nothing_from_the_time_of_those_to_come():
    ahead = {"now": {OTHER: 1.0}, "after": {OTHER: 3.0}}
    assert estimate([iteration_of(10)], spent_s=4, **ahead) == 36
    assert estimate([iteration_of(10)], spent_s=100, **ahead) == 30
    assert estimate([iteration_of(10)], now={OTHER: 1.0}, spent_s=100, after={}) == 0


def test_each_step_has_a_pace_of_its_own():
    """Self-play grows tenfold and learning does not; a rating comes with the last iteration."""

    def work(iteration: int) -> dict[str, float]:
        played = 1.0 if iteration < 3 else 10.0
        return {"self-play": played, "learning": 1.0, "rating": float(iteration % 2)}

    running, now = run_progress(0, 6, work=work), 0.0
    for iteration in range(3):
        for step, took in (
            ("self-play", 5.0),
            ("learning", 2.0),
            ("rating", 3.0 * (iteration % 2)),
        ):
            running.start_step(step, now)
            now += took
        running.start_step("saving", now)
        now += 0.5
        running.complete(iteration, now)
    ahead = 3 * (50 + 2 + 0.5) + 2 * 3
    assert running.sample(now).seconds_left == pytest.approx(ahead)
    running.start_step("self-play", now)
    assert running.sample(now + 20).seconds_left == pytest.approx(ahead - 20)


def test_what_waits_for_the_disk_is_no_part_of_a_steps_pace():
    running = run_progress(0, 3, work=lambda _: {"self-play": 1.0})
    running.complete(0, 10.0)
    running.start_step("self-play", 10.0)
    running.pause_clock(15.0)
    running.resume_clock(1015.0)
    running.complete(1, 1020.0)
    assert running.sample(1020.0).seconds_left == pytest.approx(10.0)


def test_an_iteration_that_an_earlier_session_began_tells_no_pace():
    resumed = run_progress(5, 10)
    resumed.mark_resumed()
    resumed.complete(5, 6.0)
    assert resumed.sample(6.0).seconds_left is None
    resumed.complete(6, 66.0)
    assert resumed.sample(66.0).seconds_left == pytest.approx(3 * 60)


def test_what_an_earlier_session_did_of_a_step_is_progress_but_no_speed():
    progress = StepProgress(0.0, 0.0)
    progress.start("self-play", 100, "rounds", 0.0, 0.0, done=90)
    found = progress.sample(10.0, 10.0).step
    assert (found.done, found.rate, found.seconds_left) == (90, None, None)
    progress.advance(5, 10.0)
    found = progress.sample(10.0, 10.0).step
    assert (found.done, found.rate, found.seconds_left) == (95, 0.5, 10.0)


class Clocks:
    """A steady clock and a CPU clock, set by the test."""

    def __init__(self) -> None:
        self.steady = self.cpu = 100.0

    def pass_time(self, seconds: float, *, busy: float = 0.0) -> None:
        self.steady += seconds
        self.cpu += busy


def test_a_stop_of_the_process_does_not_count_and_a_long_call_does():
    clocks = Clocks()
    clock = RunningClock(lambda: clocks.steady, lambda: clocks.cpu)
    clocks.pass_time(GAP_SECONDS)  # a slow disk
    assert clock() == 105.0
    clocks.pass_time(86_400.0, busy=0.25)  # stopped for a day
    assert clock() == pytest.approx(105.25)
    clocks.pass_time(60.0, busy=60.0)  # a call that holds the interpreter's lock
    assert clock() == pytest.approx(165.25)
    clocks.pass_time(60.0, busy=600.0)  # the same in ten threads
    assert clock() == pytest.approx(225.25)


def test_the_time_since_the_last_unit_leaves_out_a_stop_and_a_clock_that_was_set():
    progress = StepProgress(0.0, 1000.0)
    progress.start("self-play", 100, "rounds", 0.0, 1000.0)
    progress.advance(1, 2.0)
    assert progress.sample(5.0, 90_000.0).moved_at == 90_000.0 - 3.0


def test_a_billion_iterations_are_estimated_from_a_bounded_number_of_them():
    asked = []

    def work(iteration: int) -> dict[str, float]:
        asked.append(iteration)
        return {"self-play": float(min(iteration, 500)), "rating": float(iteration % 5 == 4)}

    total = 10**9
    running = run_progress(0, total, work=work)
    assert len(asked) == EXACT
    now = 0.0
    for iteration in range(5):
        for step, amount in work(iteration).items():
            running.start_step(step, now)
            now += amount
        running.complete(iteration, now)
    exact = sum(range(5, 500)) + 500 * (total - 500) + total // 5 - 1
    assert running.sample(now).seconds_left == pytest.approx(exact, rel=1e-9)
