"""The ledger of the hosts: rates of the job, and silence only of hosts that stopped answering."""

from __future__ import annotations

import time

import pytest

from blobmaster.cluster.host_ledger import FIRST_SILENT_S, SETTLE_S, SILENT_S, HostLedger
from blobmaster.cluster.schedule import LATE_FACTOR
from blobmaster.run.status.schema import Host


class Told:
    """A ledger whose clock is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ledger = HostLedger(lambda: self.now)
        self.ledger.begin()

    def host(self, node: str = "a", waiting: int = 1) -> Host:
        return self.ledger.host(node, f"host {node}", "10.0.0.1", actors=2, waiting=waiting)

    def plays(self, seconds: float, units: int = 8, node: str = "a") -> None:
        """Let a host play a block."""
        self.ledger.asked(node)
        self.now += seconds
        self.ledger.answered(node, units)


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_host_is_shown_with_the_units_a_minute_of_its_job(told: Told) -> None:
    told.plays(20, units=100)
    told.plays(10, units=50)
    told.ledger.heard("b")
    assert told.host().units_per_minute == pytest.approx(300)
    assert told.host("b").units_per_minute == 0
    told.ledger.end()
    told.now += 3600  # while the trainer learns
    assert told.host().units_per_minute == pytest.approx(300)
    told.ledger.begin()
    assert told.host().units_per_minute == pytest.approx(300)  # not 0 before its first block
    told.now += SETTLE_S
    assert told.host().units_per_minute == 0


def test_a_short_job_is_shown_with_its_own_rate_once_it_has_ended(told: Told) -> None:
    told.plays(60, units=60)
    told.ledger.end()
    told.ledger.begin()
    told.plays(SETTLE_S / 5, units=10)
    assert told.host().units_per_minute == pytest.approx(60)
    told.ledger.end()
    assert told.host().units_per_minute == pytest.approx(600)


def test_the_last_answer_is_told_by_the_wall_clock(told: Told) -> None:
    assert told.host().answered_at is None
    told.ledger.heard("a")
    told.now += 42
    answered_at = told.host().answered_at
    assert answered_at is not None
    assert time.time() - answered_at == pytest.approx(42, abs=5)


def test_a_host_that_stops_answering_is_silent_until_it_answers(told: Told) -> None:
    told.plays(5)
    told.ledger.asked("a")
    told.now += SILENT_S - 1
    assert not told.host().silent
    told.now += 2
    assert told.host().silent
    told.ledger.answered("a", 8)
    assert not told.host().silent


def test_long_blocks_are_no_silence(told: Told) -> None:
    told.plays(100, node="b")
    told.plays(5)
    told.ledger.asked("a")
    told.now += LATE_FACTOR * 100 - 1
    assert not told.host().silent
    told.now += 2
    assert told.host().silent


def test_a_host_that_was_not_asked_or_may_still_compile_is_not_silent(told: Told) -> None:
    told.plays(5)
    told.ledger.heard("b")
    told.ledger.asked("b")  # it compiles
    told.now += FIRST_SILENT_S - 1
    assert not told.host(waiting=0).silent
    assert not told.host("b").silent
    told.ledger.asked("a")
    told.now += SILENT_S - 1
    assert not told.host().silent


def test_a_host_that_never_answers_is_silent_in_the_end(told: Told) -> None:
    told.ledger.asked("b")
    told.now += FIRST_SILENT_S + 1
    assert told.host("b").silent
    told.ledger.heard("b")
    assert not told.host("b").silent


def test_a_host_that_was_asked_for_its_facts_before_the_job_has_time_to_answer(told: Told) -> None:
    told.ledger.asked("a")  # the first actors are started before the first job
    told.now += 1
    told.ledger.begin()
    assert not told.host().silent
    told.now += FIRST_SILENT_S
    assert told.host().silent


def test_a_host_stays_silent_while_new_actors_do_not_answer_either(told: Told) -> None:
    told.plays(5)
    told.ledger.asked("a")
    told.now += SILENT_S
    told.ledger.asked("a")  # a new actor, for one that was given up
    told.now += 1
    assert told.host().silent
    told.ledger.end()
    told.ledger.begin()
    assert told.host().silent
    assert not told.host(waiting=0).silent


def test_questions_of_an_earlier_job_are_forgotten(told: Told) -> None:
    told.plays(5)
    told.ledger.asked("a")
    told.ledger.end()
    told.now += 10 * SILENT_S  # while the trainer learns
    told.ledger.begin()
    told.ledger.asked("a")
    told.now += SILENT_S - 1
    assert not told.host().silent
