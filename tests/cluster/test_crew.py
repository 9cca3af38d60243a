"""The crew takes all that has arrived in one step, and says once that a host has left."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fake_ray import FakeRay

from blobmaster.cluster import crew as crew_module
from blobmaster.cluster.actor import Answer
from blobmaster.cluster.crew import RayCrew
from blobmaster.cluster.hosts import HostFacts

FACTS = HostFacts("head", "a CPU", "2", "0", "1", "abc")
LEFT = "host b (10.0.0.1) has left the cluster and is not used any more"


@pytest.fixture(autouse=True)
def _by_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(crew_module, "node_affinity", lambda node: node)
    caplog.set_level(logging.INFO, "blobmaster")


def crew_on(ray: Any) -> RayCrew:
    """Return a crew with a job, all of whose actors were heard."""
    crew = RayCrew(ray, most=0, mixed_hosts=False, ours=FACTS)
    crew.begin(b"job")
    settle(crew)
    return crew


def settle(crew: RayCrew) -> None:
    """Take all that has arrived, and what follows from it."""
    for _ in range(10):
        crew.wait(0.0)


def test_all_results_that_have_arrived_are_taken_in_one_step() -> None:
    ray = FakeRay(FACTS, a=3)
    crew = crew_on(ray)
    assert len(crew.ready()) == 3
    for block, worker in enumerate(sorted(crew.ready())):
        crew.send(worker, block)
    for actor in ray.actors[:2]:
        actor.asked[-1].value = Answer(b"result", 8, 0.1)
    ray.waits = 0
    assert sorted(event.block for event in crew.wait(0.0)) == [0, 1]
    assert ray.waits == 2
    assert crew.wait(0.0) == []
    ray.actors[2].asked[-1].value = Answer(b"result", 8, 0.1)
    assert [event.block for event in crew.wait(0.0)] == [2]


def test_a_worker_that_dies_with_several_blocks_is_lost_once_and_its_results_count() -> None:
    ray = FakeRay(FACTS, a=1)
    crew = crew_on(ray)
    (worker,) = crew.ready()
    for block in range(4):
        crew.send(worker, block)
    ray.actors[0].asked[-4].value = Answer(b"result", 8, 0.1)
    ray.actors[0].die()
    events = crew.wait(0.0)
    assert [(event.block, event.result) for event in events] == [(0, b"result"), (None, None)]
    settle(crew)
    assert len(crew.ready()) == 1
    assert worker not in crew.ready()


def test_a_host_that_leaves_is_said_once_and_gets_no_further_actor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ray = FakeRay(FACTS, a=1, b=4)
    crew = crew_on(ray)
    for worker in sorted(crew.ready()):
        crew.send(worker, worker)
    ray.lose("b")
    for _ in range(3):
        settle(crew)
        crew.begin(b"job")
    assert caplog.messages == [LEFT]
    assert len(ray.on("b")) == 4
    assert len(crew.ready()) == 1


def test_a_host_that_comes_back_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    ray = FakeRay(FACTS, a=1, b=4)
    crew = crew_on(ray)
    for worker in sorted(crew.ready()):
        crew.send(worker, worker)
    ray.lose("b")
    settle(crew)
    ray.cpus["b'"] = 4  # `ray start` again: another node on the same host
    caplog.clear()
    for _ in range(3):
        crew.begin(b"job")
        settle(crew)
    assert caplog.messages == ["host b (10.0.0.1) is back in the cluster and used again"]
    assert len(crew.ready()) == 5


def test_workers_that_die_on_a_host_that_stays_are_said_once_in_a_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ray = FakeRay(FACTS, a=1, b=4)
    crew = crew_on(ray)
    for worker in sorted(crew.ready()):
        crew.send(worker, worker)
    ray.lose("b", known=False)
    settle(crew)
    died, given_up = caplog.messages
    assert died == "a worker on host b (10.0.0.1) is lost and started again: " + (
        "RayError: the actor died"
    )
    assert "3 times in a row and is given up until the next iteration" in given_up
    assert len(ray.on("b")) == 3 * 4
    ray.left.add("b")  # Ray has noticed by now
    caplog.clear()
    crew.begin(b"job")
    settle(crew)
    assert caplog.messages == [LEFT]
    assert len(ray.on("b")) == 3 * 4
