"""Elapsed time and the time left: this session's pace alone, waiting never counted."""

import random
import statistics

import pytest

from blobmaster.run.course import Course
from blobmaster.run.pace import Lap, seconds_left
from blobmaster.run.progress import Progress


def course(first: int, total: int, **options) -> Course:
    return Course(first=first, total=total, elapsed_before_s=0.0, now=0.0, **options)


def test_the_time_left_is_unknown_until_an_iteration_is_done():
    running = course(0, 10)
    assert running.sample(50.0).seconds_left is None
    running.complete(0, 60.0)
    assert running.sample(60.0).seconds_left == pytest.approx(9 * 60)


def test_restored_iterations_are_not_work():
    resumed = course(90, 100)
    assert resumed.sample(1.0).seconds_left is None
    resumed.complete(90, 60.0)
    assert resumed.sample(60.0).seconds_left == pytest.approx(9 * 60)


def test_waiting_counts_neither_as_elapsed_nor_as_pace():
    running = course(0, 3)
    running.stop_clock(10.0)
    running.stop_clock(20.0)
    running.start_clock(500.0)
    running.start_clock(1000.0)
    running.complete(0, 1050.0)
    sample = running.sample(1050.0)
    assert sample.elapsed_seconds == pytest.approx(60)
    assert sample.seconds_left == pytest.approx(120)


def test_elapsed_goes_on_from_the_sessions_before():
    resumed = Course(first=5, total=10, elapsed_before_s=3600.0, now=100.0)
    assert resumed.sample(160.0).elapsed_seconds == pytest.approx(3660)


def test_the_iteration_is_counted_from_one_and_never_passes_the_last():
    running = course(0, 2)
    assert (running.sample(0.0).iteration, running.sample(0.0).progress) == (1, 0.0)
    running.complete(0, 1.0)
    assert (running.sample(1.0).iteration, running.sample(1.0).progress) == (2, 0.5)
    running.complete(1, 2.0)
    done = running.sample(2.0)
    assert (done.iteration, done.progress, done.seconds_left) == (2, 1.0, 0.0)


def test_a_cold_first_iteration_counts_only_while_it_is_alone():
    assert seconds_left([Lap(100, 1)], remaining_work=2, spent_s=0) == 200
    assert seconds_left([Lap(100, 1), Lap(10, 1)], remaining_work=2, spent_s=0) == 20


def test_a_slow_iteration_never_makes_the_time_left_negative():
    assert seconds_left([Lap(10, 1)], remaining_work=1, spent_s=100) == 0


@pytest.mark.parametrize("first", [0, 40, 150])
def test_on_a_growing_curriculum_the_median_error_is_within_a_tenth(first):
    def work(iteration: int) -> float:
        return (2000 + 16 * iteration) * (15 if iteration < 50 else 50 if iteration < 150 else 105)

    luck, now, total = random.Random(first), 0.0, 300
    took = {k: work(k) * luck.uniform(0.9, 1.1) / 1000 for k in range(first, total)}
    took[first] *= 3  # compiling
    running = course(first, total, work=work)
    errors = []
    for iteration in range(first, total - 1):
        now += took[iteration]
        running.complete(iteration, now)
        if iteration >= first + 3:
            left = sum(took[k] for k in range(iteration + 1, total))
            errors.append(abs(running.sample(now).seconds_left / left - 1))
    assert statistics.median(errors) < 0.1


def test_an_iteration_that_an_earlier_session_began_tells_no_pace():
    resumed = course(5, 10)
    resumed.enter_midway()
    resumed.complete(5, 6.0)
    assert resumed.sample(6.0).seconds_left is None
    resumed.complete(6, 66.0)
    assert resumed.sample(66.0).seconds_left == pytest.approx(3 * 60)


def test_what_an_earlier_session_did_of_a_step_is_progress_but_no_speed():
    progress = Progress(0.0, 0.0)
    progress.start("self-play", 100, "rounds", 0.0, 0.0, done=90)
    found = progress.sample(10.0).step
    assert (found.done, found.rate, found.seconds_left) == (90, None, None)
    progress.advance(5, 10.0, 10.0)
    found = progress.sample(10.0).step
    assert (found.done, found.rate, found.seconds_left) == (95, 0.5, 10.0)
