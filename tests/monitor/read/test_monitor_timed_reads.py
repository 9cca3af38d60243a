"""Reads of several things of which some hang: the others are still read."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from blobmaster.monitor.read.timed_reads import TimedReads
from blobmaster.monitor.view import View, out_of_contact


class Mount:
    """A file system that hangs until released, and counts its reads."""

    def __init__(self) -> None:
        self.goes = threading.Event()
        self.goes.set()
        self.looks = 0

    def read(self) -> int:
        self.looks += 1
        mine = self.looks
        self.goes.wait()
        return mine


@pytest.fixture
def mounts() -> Iterator[tuple[Mount, Mount]]:
    both = Mount(), Mount()
    yield both
    for mount in both:
        mount.goes.set()


def test_one_that_hangs_keeps_what_it_was_and_holds_up_no_other(mounts: tuple[Mount, Mount]):
    hung, well = mounts
    looks = TimedReads[str, int]()
    pending = {"hung": hung.read, "well": well.read}
    assert {key: answer.found for key, answer in looks.read(pending).items()} == {
        "hung": 1,
        "well": 1,
    }
    hung.goes.clear()
    for round_number in (2, 3, 4):
        found = looks.read(pending)
        assert found["hung"].found == 1
        assert found["hung"].silent_s > 0
        assert found["well"].found == round_number
        assert found["well"].silent_s is None
    assert hung.looks == 2  # it is not asked again before it has answered
    hung.goes.set()
    while looks.read(pending)["hung"].silent_s is not None:
        pass
    assert looks.read(pending)["hung"].found > 2


def test_one_that_hung_from_the_first_look_has_nothing_to_show(mounts: tuple[Mount, Mount]):
    hung, well = mounts
    hung.goes.clear()
    looks = TimedReads[str, int]()
    found = looks.read({"hung": hung.read, "well": well.read})
    assert found["hung"] is None
    assert found["well"].found == 1


def test_what_a_look_raises_is_raised():
    def fail() -> int:
        raise TimeoutError("of the look itself")

    with pytest.raises(TimeoutError, match="of the look itself"):
        TimedReads[str, int]().read({"x": fail})


def test_looks_that_hung_end_their_threads_when_they_answer(mounts: tuple[Mount, Mount]):
    hung, well = mounts
    hung.goes.clear()
    looks = TimedReads[str, int]()
    before = set(threading.enumerate())  # not their numbers, which new threads take over
    looks.read({"hung": hung.read, "well": well.read})
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert len(left) == 2
    hung.goes.set()
    left[0].join()
    assert looks.read({"well": well.read})["well"].found == 2


@pytest.mark.parametrize("state", ["paused", "finished", "failed", "dead"])
def test_a_run_that_has_ended_is_not_out_of_contact(state: str):
    assert out_of_contact(View(state=state, source="x")).state == state
    assert out_of_contact(View(state="running", source="x")).state == "no contact"
