"""Processes that need the same kernel: one compiles it, the others wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trainer import wait_until

import blobmaster

SLOW_KERNEL = """
import os, sys
import numba.core.event
from numba.extending import overload
from blobmaster.kernels.compile import {kind}, kernel
from pathlib import Path

compiled = numba.core.event.RecordingListener()
numba.core.event.register("numba:compile", compiled)

def seven():
    ...

@overload(seven)
def while_compiling():
    # Runs while the kernel is compiled: says so, and waits until the test lets it go on.
    Path(f"compiling-{{os.getpid()}}").touch()
    with open("go") as go:
        go.read()
    return lambda: 7

@{kind}
def slow(x):
    return x + seven()

@kernel
def root(x):
    return slow(x)

print(root(1), sum(event.is_start and "slow" in str(event.data["dispatcher"])
                   for _, event in compiled.buffer), flush=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    """Start a process that compiles `root`, in which `slow` waits for the pipe `go`."""
    return subprocess.Popen(
        [sys.executable, "slow.py"],
        cwd=folder,
        env={
            **os.environ,
            "NUMBA_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": str(Path(blobmaster.__file__).parents[1]),
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def waits_for_a_lock(process: subprocess.Popen[str]) -> bool:
    """Return True if the system says that the process waits for a file that is locked."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f" {process.pid} " in line for line in lines)


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "slow.py").write_text(SLOW_KERNEL.format(kind=request.param))
    os.mkfifo(tmp_path / "go")
    return tmp_path


def compiling(folder: Path, process: subprocess.Popen[str]) -> bool:
    """Return True once the process is in the middle of compiling `slow`."""
    return (folder / f"compiling-{process.pid}").exists()


both_kinds = pytest.mark.parametrize("folder", ["kernel", "inner_kernel"], indirect=True)


@both_kinds
def test_two_processes_compile_a_kernel_once(folder: Path) -> None:
    first = start(folder)
    wait_until(lambda: compiling(folder, first))
    second = start(folder)
    wait_until(lambda: waits_for_a_lock(second) or compiling(folder, second))
    assert not compiling(folder, second)
    (folder / "go").write_text("")
    assert first.communicate()[0] == "8 1\n"
    assert second.communicate()[0] == "8 0\n"


@both_kinds
def test_a_killed_compiler_leaves_the_kernel_to_the_process_that_waits(folder: Path) -> None:
    first = start(folder)
    wait_until(lambda: compiling(folder, first))
    second = start(folder)
    wait_until(lambda: waits_for_a_lock(second))
    first.kill()
    first.communicate()
    wait_until(lambda: compiling(folder, second))
    (folder / "go").write_text("")
    assert second.communicate()[0] == "8 1\n"
