"""A run that loses the cluster's head, or Ray's node beside it, fails cleanly and is resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import namespaces
import pytest
from namespaces import RAY_HEAD, RAY_NODE, Network
from three_hosts import Training, digest_on_threads
from trainer import blocks_in_flight, digest_of, newest, run, status_of

pytest.importorskip("ray", reason="Ray is not installed: `make ray` runs these tests")
REASON = namespaces.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no hosts: {REASON}")

ITERATIONS = 45
"""Of a run that is not over when the head is given up: play goes on until then."""
NOTICED_S = 400.0
"""Timeout of a failure: 40 s until the head is given up, a minute of tries, and a slow machine."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest_on_threads(tmp_path_factory.mktemp("threads"), ITERATIONS)


@pytest.fixture
def net() -> Iterator[Network]:
    """Two hosts with the head on the first."""
    with namespaces.network(2) as made:
        made.hosts[0].start_ray(head=True)
        made.hosts[1].start_ray()
        yield made


def lose_head(net: Network) -> None:
    assert net.hosts[0].kill(RAY_HEAD) == 1


def lose_head_host(net: Network) -> None:
    net.hosts[0].die()


def lose_nodes(net: Network) -> None:
    # All: the hosts share a file system, where a driver also finds the sockets of other nodes.
    for host in net.hosts:
        assert host.kill(RAY_NODE) == 1


LOSSES = [lose_head, lose_head_host, lose_nodes]


@pytest.mark.long
@pytest.mark.parametrize("lose", LOSSES)
def test_a_run_that_loses_its_cluster_fails_with_the_reason_and_is_resumed_elsewhere(
    tmp_path: Path, expected: str, net: Network, lose: Callable[[Network], None]
) -> None:
    training = Training(tmp_path / "ray", net.hosts[1], net.head, ITERATIONS)
    training.reach(2, 5)
    lose(net)
    text, _ = training.process.communicate(timeout=NOTICED_S)
    assert training.process.returncode == 1, text
    assert "Traceback" not in text
    assert text.count("the cluster is lost") == 2, text  # when it happened, and at the end
    status = status_of(training.root)
    assert status["state"] == "failed"
    assert "cannot be joined again" in status["error"]
    kept = len(blocks_in_flight(training.root, 2))
    done = run("train", "--resume", "--checkpoint-dir", training.root)
    assert done.returncode == 0, done.stderr
    assert kept == 0 or "blocks were played before" in done.stdout
    assert digest_of(newest(training.root)) == expected


@pytest.mark.long
def test_a_run_that_lost_its_cluster_is_resumed_on_a_new_one(tmp_path: Path, expected: str) -> None:
    with namespaces.network(2) as net:
        net.hosts[0].start_ray(head=True)
        net.hosts[1].start_ray()
        # Beside the head: elsewhere a driver would join by the head's sockets, which all hosts see.
        training = Training(tmp_path / "ray", net.hosts[0], net.head, ITERATIONS)
        training.reach(2, 5)
        lose_head(net)
        training.process.communicate(timeout=NOTICED_S)
        assert status_of(training.root)["state"] == "failed"
    with namespaces.network(2) as net:
        net.hosts[0].start_ray(head=True)
        net.hosts[1].start_ray()
        training.resume(net.hosts[0], net.head)
        assert training.finish()[1] == expected


def test_a_trainer_joins_a_head_that_comes_back_in_time(
    tmp_path: Path, expected: str, net: Network
) -> None:
    training = Training(tmp_path / "ray", net.hosts[0], net.head, ITERATIONS)
    training.reach(2, 5)
    for host in net.hosts:
        host.kill("/site-packages/ray/")  # not the trainer, whose folder is named ray
    net.hosts[0].start_ray(head=True)
    text, digest = training.finish()
    assert "is joined again" in text
    assert digest == expected
