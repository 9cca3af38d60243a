"""Hosts are compared by what changes a block's bits; a wrong address is refused at once."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from blobmaster.cluster import ray_cluster
from blobmaster.cluster.address import check_address
from blobmaster.cluster.errors import ClusterError
from blobmaster.cluster.hosts import HostFacts, cpu_model, difference, host_facts

OURS = HostFacts("head", "Xeon with AVX512", "2.13.0", "0.68.0", "0.1.0", "abc")


def test_a_host_does_not_differ_from_itself() -> None:
    assert difference(host_facts(), host_facts()) is None
    assert difference(OURS, OURS._replace(name="other")) is None


@pytest.mark.parametrize("field", [name for name in HostFacts._fields if name != "name"])
def test_a_host_that_differs_is_described_in_one_line(field: str) -> None:
    theirs = OURS._replace(name="node7", **{field: "another"})
    line = difference(OURS, theirs)
    assert line == f"node7 has {field} another instead of {getattr(OURS, field)}"


def test_the_model_of_the_cpu_is_read_on_both_architectures(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: A 100\nflags\t: x\n\nmodel name\t: B\n")
    assert cpu_model(cpuinfo) == "A 100"
    cpuinfo.write_text("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n")
    assert cpu_model(cpuinfo) == "0x41 0xd0c"
    assert cpu_model(tmp_path / "missing") == platform.machine()


def test_without_ray_the_backend_says_what_to_install_also_beside_a_folder_of_that_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])  # as by `python -m`, and without Ray
    with pytest.raises(ClusterError, match=r"pip install 'blobmaster\[ray\]'"):
        ray_cluster.RayCluster("auto", 1, mixed_hosts=False)


@pytest.mark.parametrize(
    "address", ["head", "head:", ":6379", "ray://head:1", "head:x", "127.0.0.1:1", "h:99999"]
)
def test_an_address_without_a_cluster_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match=address):
        check_address(address)
