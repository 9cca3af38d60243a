"""A run on three hosts is bit-identical to one on threads, whatever happens to the hosts.

The hosts are network namespaces, see `namespaces.py`. Each fault comes at a random instant of
self-play; the seed is printed, and `BLOBMASTER_SEED` repeats it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import namespaces
import psutil
import pytest
from namespaces import RAY_NODE, Network
from three_hosts import ACTOR, PLAYING, Training, digest_on_threads
from trainer import wait_until

pytest.importorskip("ray", reason="Ray is not installed: `make ray` runs these tests")
REASON = namespaces.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no hosts: {REASON}")

CUT_S = 30.0
SEED = int(os.environ.get("BLOBMASTER_SEED", time.time_ns() % 10**6))
RUNS = 10
LASTING = 40
"""Iterations of a run that meets all faults, the last in iteration 15."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """Return the digest after so many iterations on threads."""
    known: dict[int, str] = {}

    def digest(iterations: int) -> str:
        if iterations not in known:
            folder = tmp_path_factory.mktemp("threads")
            known[iterations] = digest_on_threads(folder, iterations)
        return known[iterations]

    return digest


@pytest.fixture
def net() -> Iterator[Network]:
    with namespaces.network(3) as made:
        yield made


def kill_actor(net: Network, draws: random.Random) -> None:
    victims = [process for host in net.hosts for process in host.processes(ACTOR)]
    draws.choice(victims).kill()


def kill_node(net: Network, draws: random.Random) -> None:
    assert draws.choice(net.hosts[1:]).kill(RAY_NODE) == 1


def kill_host(net: Network, draws: random.Random) -> None:
    draws.choice(net.hosts[1:]).die()


def hang(net: Network, draws: random.Random) -> None:
    victims = [process for host in net.hosts for process in host.processes(ACTOR)]
    victim = draws.choice(victims)
    victim.suspend()
    wait_until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)


def join_late(net: Network, draws: random.Random) -> None:
    net.hosts[2].start_ray()
    wait_until(lambda: net.hosts[2].processes(PLAYING))


FAULTS = {
    "actor": kill_actor,
    "node": kill_node,
    "host": kill_host,
    "hang": hang,
    "late": join_late,
}
ITERATIONS = {"hang": 8, "late": 15}
"""Of a run that lasts for longer than the fault; else 4."""


def test_a_run_on_three_hosts_is_bit_identical_to_one_on_threads(
    tmp_path: Path, expected: Callable[[int], str], net: Network
) -> None:
    net.hosts[0].start_ray(head=True)
    net.hosts[1].start_ray()
    net.hosts[2].start_ray()
    training = Training(tmp_path / "ray", net.hosts[0], net.head, 4)
    for host in net.hosts:
        wait_until(lambda at=host: at.processes(PLAYING), training.process)
    assert training.finish()[1] == expected(4)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_on_three_hosts_survives(
    tmp_path: Path, expected: Callable[[int], str], fault: str
) -> None:
    draws = random.Random(f"{SEED} {fault}")
    iterations = ITERATIONS.get(fault, 4)
    with namespaces.network(3) as net:
        net.hosts[0].start_ray(head=True)
        for host in net.hosts[1 : 2 if fault == "late" else 3]:
            host.start_ray()
        training = Training(tmp_path / "ray", net.hosts[0], net.head, iterations)
        iteration, blocks = draws.randrange(2 if fault == "late" else 4), draws.randint(1, 18)
        print(f"BLOBMASTER_SEED={SEED}: {fault} at {iteration + 1}.{blocks}")
        training.reach(iteration, blocks)
        FAULTS[fault](net, draws)
        text, digest = training.finish()
    assert digest == expected(iterations), text


@pytest.mark.long
@pytest.mark.parametrize("number", range(RUNS))
def test_a_run_survives_all_faults_at_random_instants(
    tmp_path: Path, expected: Callable[[int], str], number: int
) -> None:
    draws = random.Random(f"{SEED} {number}")
    with namespaces.network(5) as net:
        first, node, lost, cut, late = net.hosts
        first.start_ray(head=True)
        for host in (node, lost, cut):
            host.start_ray()
        training = Training(tmp_path / "ray", first, net.head, LASTING)
        faults = {
            "actor": lambda: kill_actor(net, draws),
            "node": lambda: node.kill(RAY_NODE),
            "host": lost.die,
            "link": cut.cut,
            "late": late.start_ray,
        }
        when: dict[str, float] = {}
        for place, fault in enumerate(draws.sample(sorted(faults), len(faults))):
            iteration, blocks = 3 * place + draws.randrange(3), draws.randint(1, 18)
            training.reach(iteration, blocks)
            faults[fault]()
            when[fault] = time.monotonic()
            print(f"BLOBMASTER_SEED={SEED} {number}: {fault} at {iteration + 1}.{blocks}")
        time.sleep(max(when["link"] + CUT_S - time.monotonic(), 0))  # the fault itself
        cut.mend()
        wait_until(lambda: late.processes(PLAYING), training.process)
        text, digest = training.finish()
    print(text)
    assert digest == expected(LASTING)
