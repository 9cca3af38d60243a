"""A cluster that cannot be joined is refused in one line; a host that differs is not used."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import namespaces
import psutil
import pytest
from namespaces import Network
from three_hosts import ACTOR, PLAYING, Training, digest_on_threads
from trainer import ENDLESS, status_of, wait_until, write_config

import blobmaster

pytest.importorskip("ray", reason="Ray is not installed: `make ray` runs these tests")
REASON = namespaces.missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no hosts: {REASON}")

GONE_S = 10.0
"""No actor lives so long after its trainer was killed."""
OTHER = {"RAY_AUTH_TOKEN": "0" * 64}
NONE: dict[str, str | None] = {"RAY_AUTH_MODE": None, "RAY_AUTH_TOKEN": None}


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """One host, with a cluster."""
    with namespaces.network(1) as made:
        made.hosts[0].start_ray(head=True)
        yield made


def refused(
    net: Network, folder: Path, address: str, environment: dict[str, str | None] | None = None
) -> str:
    """Start a trainer on the first host that is refused, and return the line that says why."""
    trainer = net.hosts[0].start(
        *(sys.executable, "-m", "blobmaster", "train", "--config", write_config(folder)),
        *("--checkpoint-dir", folder / "run", "--backend", "ray", "--ray-address", address),
        environment=environment,
    )
    text, _ = trainer.communicate(timeout=120)
    lines = text.strip().splitlines()[1:]  # after "loading torch"
    assert trainer.returncode == 2, text
    assert len(lines) == 1, text
    assert not (folder / "run" / "status.json").exists()
    return lines[0]


@pytest.mark.parametrize(
    "address", ["10.77.0.99:6379", "10.77.0.1:1", "nowhere.invalid:6379", "10.77.0.1:22222"]
)
def test_an_address_where_nobody_answers_is_named(
    net: Network, tmp_path: Path, address: str
) -> None:
    assert f"nothing answers at --ray-address {address}" in refused(net, tmp_path, address)


@pytest.mark.parametrize("environment", [OTHER, NONE], ids=["wrong", "missing"])
def test_a_wrong_or_missing_token_is_named(
    net: Network, tmp_path: Path, environment: dict[str, str | None]
) -> None:
    # Without a token Ray would look for one in the home, and write one there.
    home: dict[str, str | None] = {"HOME": str(tmp_path)}
    assert "RAY_AUTH_TOKEN" in refused(net, tmp_path, net.head, environment | home)


def test_another_version_of_ray_is_named(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import ray\nray.__version__ = '2.1.0'\n")
    with namespaces.network(1) as net:
        net.hosts[0].environment["PYTHONPATH"] = str(tmp_path)
        net.hosts[0].start_ray(head=True)
        line = refused(net, tmp_path, net.head)
    assert "2.1.0" in line


def test_a_host_with_another_kernel_is_named_and_not_used(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(Path(blobmaster.__file__).parent, other / "blobmaster")
    with (other / "blobmaster" / "kernels" / "rng.py").open("a") as kernel:
        kernel.write("\n# another\n")
    with namespaces.network(2) as net:
        net.hosts[1].environment["PYTHONPATH"] = str(other)
        net.hosts[0].start_ray(head=True)
        net.hosts[1].start_ray()
        training = Training(tmp_path / "ray", net.hosts[0], net.head, 12)
        text, digest = training.finish()
        assert net.hosts[1].processes(ACTOR) == []
    assert text.count("it is not used (--mixed-hosts would use it)") == 1
    assert "host2 has kernels" in text
    (tmp_path / "threads").mkdir()
    assert digest == digest_on_threads(tmp_path / "threads", 12)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_actor_outlives_its_trainer_on_any_host(tmp_path: Path, number: signal.Signals) -> None:
    with namespaces.network(2) as net:
        net.hosts[0].start_ray(head=True)
        net.hosts[1].start_ray()
        training = Training(tmp_path / "ray", net.hosts[0], net.head, ENDLESS)
        for host in net.hosts:
            wait_until(lambda at=host: at.processes(PLAYING), training.process)
        actors = [process for host in net.hosts for process in host.processes(ACTOR)]
        training.process.send_signal(number)
        training.process.communicate()
        assert psutil.wait_procs(actors, GONE_S)[1] == []
        wait_until(lambda: not net.hosts[0].processes("cluster.driver"))


def test_a_stop_takes_no_longer_while_a_host_cannot_be_reached(tmp_path: Path) -> None:
    with namespaces.network(2) as net:
        net.hosts[0].start_ray(head=True)
        net.hosts[1].start_ray()
        training = Training(tmp_path / "ray", net.hosts[0], net.head, ENDLESS)
        wait_until(lambda: net.hosts[1].processes(PLAYING), training.process)
        net.hosts[1].cut()
        done = status_of(training.root)["iteration"]
        wait_until(lambda: status_of(training.root)["iteration"] > done + 1, training.process)
        training.process.send_signal(signal.SIGTERM)
        text, _ = training.process.communicate(timeout=60)
        assert training.process.returncode == 128 + signal.SIGTERM, text
        assert status_of(training.root)["state"] == "paused"
