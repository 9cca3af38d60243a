"""Limits of control groups, versions 1 and 2, from the files that the kernel would show."""

import os
from pathlib import Path

import psutil
import pytest

from blobmaster.run.container import CpuQuota, MemoryLimit, cpu_quota, memory_limit, usable_cores
from blobmaster.run.status.machine import MachineSampler
from blobmaster.selfplay import pool

GB = 1_000_000_000


class Groups:
    """A tree of control groups in files."""

    def __init__(self, root: Path) -> None:
        self.own = root / "own"
        self.mount = root / "mount"
        self.own.touch()

    def put(self, path: str, text: str) -> None:
        (self.mount / path).parent.mkdir(parents=True, exist_ok=True)
        (self.mount / path).write_text(text + "\n")

    @property
    def places(self) -> tuple[Path, Path]:
        return self.own, self.mount


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


def test_a_system_without_groups_or_limits_has_none(groups: Groups):
    assert (cpu_quota(*groups.places), memory_limit(*groups.places)) == (None, None)
    groups.own.write_text("0::/\n4:memory:/\n1:cpu:/\nodd\n")
    groups.put("cpu.max", "max 100000")
    groups.put("memory.max", "max")
    groups.put("cpu/cpu.cfs_quota_us", "-1")
    groups.put("cpu/cpu.cfs_period_us", "100000")
    groups.put("memory/memory.limit_in_bytes", "9223372036854771712")
    assert (cpu_quota(*groups.places), memory_limit(*groups.places)) == (None, None)
    assert usable_cores(*groups.places) == len(os.sched_getaffinity(0))


def test_the_limits_of_version_2_are_read_with_what_was_used(groups: Groups):
    groups.own.write_text("0::/\n")
    groups.put("cpu.max", "150000 100000")
    groups.put("cpu.stat", "usage_usec 2500000\nuser_usec 1")
    groups.put("memory.max", str(4 * GB))
    groups.put("memory.current", str(3 * GB))
    groups.put("memory.stat", f"anon 5\ninactive_file {GB}")
    assert cpu_quota(*groups.places) == CpuQuota(cpus=1.5, used_s=2.5)
    assert memory_limit(*groups.places) == MemoryLimit(bytes=4 * GB, used_bytes=2 * GB)


@pytest.mark.parametrize(
    ("own", "folder"),
    [("/docker/a1", ""), ("/docker/a1", "docker/a1"), ("/../../b2", ""), ("/", "")],
)
def test_the_limits_of_version_1_are_found_under_the_hosts_path_or_the_containers(
    groups: Groups, own: str, folder: str
):
    groups.own.write_text(f"4:memory:{own}\n1:cpuacct,cpu:{own}\n0::/\n")
    groups.put(f"cpu/{folder}/cpu.cfs_quota_us", "50000")
    groups.put(f"cpu/{folder}/cpu.cfs_period_us", "100000")
    groups.put(f"cpu/{folder}/cpuacct.usage", "7000000000")
    groups.put(f"memory/{folder}/memory.limit_in_bytes", str(GB))
    groups.put(f"memory/{folder}/memory.usage_in_bytes", "1000")
    assert cpu_quota(*groups.places) == CpuQuota(cpus=0.5, used_s=7.0)
    assert memory_limit(*groups.places) == MemoryLimit(bytes=GB, used_bytes=1000)
    assert usable_cores(*groups.places) == 1


def test_the_tightest_of_the_enclosing_groups_counts(groups: Groups):
    groups.own.write_text("0::/user.slice/job.scope\n")
    groups.put("user.slice/job.scope/cpu.max", "max 100000")
    groups.put("user.slice/cpu.max", "100000 100000")
    groups.put("cpu.max", "400000 100000")
    groups.put("user.slice/job.scope/memory.max", str(2 * GB))
    groups.put("user.slice/memory.max", str(8 * GB))
    assert cpu_quota(*groups.places).cpus == 1.0
    assert memory_limit(*groups.places).bytes == 2 * GB


def test_workers_follow_the_quota_unless_they_are_set(monkeypatch, groups: Groups):
    groups.own.write_text("0::/\n")
    groups.put("cpu.max", "210000 100000")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    assert usable_cores(*groups.places) == 3  # two cores would leave a part unused
    monkeypatch.setattr(pool, "usable_cores", lambda: usable_cores(*groups.places))
    assert (pool.default_workers(0), pool.default_workers(5)) == (3, 5)


def test_the_status_shows_the_containers_cores_memory_and_load(monkeypatch, groups: Groups):
    monkeypatch.setattr(psutil, "cpu_count", lambda: 64)
    groups.own.write_text("0::/\n")
    groups.put("cpu.max", "200000 100000")
    groups.put("cpu.stat", "usage_usec 1000000")
    groups.put("memory.max", "1000000")
    groups.put("memory.current", "750000")
    sampler = MachineSampler(*groups.places)
    first = sampler.sample(10.0, 2, None)
    assert (first.cores, first.memory_total_bytes, first.memory_used_bytes) == (2, 10**6, 750_000)
    assert first.cpu_percent == 0
    groups.put("cpu.stat", "usage_usec 4000000")
    assert sampler.sample(12.0, 2, None).cpu_percent == 75  # 3 of 4 CPU seconds


def test_without_a_limit_the_status_shows_the_machine(groups: Groups):
    machine = MachineSampler(*groups.places).sample(10.0, 2, None)
    assert machine.cores == psutil.cpu_count()
    assert machine.memory_total_bytes == psutil.virtual_memory().total
