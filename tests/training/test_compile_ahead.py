"""The second compiler of a first start: its help for the trainer, and its end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from trainer import TINY, wait_until, write_config

import blobmaster

SCRIPT = """
import sys, time
from pathlib import Path
from blobmaster.config.compose import compose, read_file
from blobmaster.run.container import MemoryLimit
from blobmaster.training import compile_ahead

config = compose(read_file(Path("settings.toml")))
{before}
with compile_ahead.second_compiler(config):
    print("inside", flush=True)
    sys.stdin.readline()
print("outside", flush=True)
{after}
sys.stdin.readline()
"""

PLAYS = """
import numba.core.event, torch
from blobmaster.model.network import new_network
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.self_play_step import new_engine
from blobmaster.training.warm_up import play_one_round

compiled = numba.core.event.RecordingListener()
numba.core.event.register("numba:compile", compiled)
play_one_round(
    new_engine(config, LocalPool(1, prepare=lambda: None), torch.device("cpu")),
    new_network(config.network, 0).eval(),
)
print([event.data["dispatcher"].py_func.__name__ for _, event in compiled.buffer], flush=True)
"""

Process = subprocess.Popen[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_config(tmp_path, TINY)
    return tmp_path


def start(folder: Path, *, before: str = "", after: str = "", cores: int | None = None) -> Process:
    """Start a process with an empty cache that enters the block; a line on stdin ends it."""
    (folder / "script.py").write_text(SCRIPT.format(before=before, after=after))

    def use_cores() -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env={
            **os.environ,
            "NUMBA_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": str(Path(blobmaster.__file__).parents[1]),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=use_cores,
    )
    assert read_line(process) == "inside\n"
    return process


def read_line(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def go_on(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def children_of(process: Process) -> list[int]:
    """List the processes that a process has started and that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == process.pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")


@pytest.mark.long  # it compiles for half a minute
@two_cores
def test_the_trainer_finds_the_kernels_of_self_play_compiled(folder: Path) -> None:
    process = start(folder, after=PLAYS)
    assert len(children_of(process)) == 1
    wait_until(lambda: not children_of(process), process)
    go_on(process)
    assert read_line(process) == "outside\n"
    assert read_line(process) == "[]\n"
    process.communicate("\n")


@two_cores
def test_the_second_compiler_ends_with_the_block(folder: Path) -> None:
    process = start(folder)
    (child,) = children_of(process)
    go_on(process)
    assert read_line(process) == "outside\n"
    assert not Path(f"/proc/{child}").exists()
    process.communicate("\n")


@two_cores
def test_the_second_compiler_ends_when_the_trainer_is_killed(folder: Path) -> None:
    process = start(folder)
    (child,) = children_of(process)
    wait_until(lambda: list(folder.rglob("*.nbi")), process)  # it is compiling
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: has_ended(child))
    assert not list(folder.rglob("*run_steps*.nbi"))  # it did not end because it had finished


@two_cores
def test_the_second_compiler_prints_nothing_and_gets_no_signal_of_the_terminal(
    folder: Path,
) -> None:
    process = start(folder)
    (child,) = children_of(process)
    assert os.getpgid(child) != os.getpgid(process.pid)
    wait_until(lambda: Path(f"/proc/{child}/exe").readlink() == Path(sys.executable).resolve())
    for descriptor in (1, 2):
        assert str(Path(f"/proc/{child}/fd/{descriptor}").readlink()) == "/dev/null"
    process.communicate("\n\n")


@pytest.mark.parametrize(
    ("before", "cores"),
    [
        ("", 1),
        ("config = compose({'run': {'workers': 1}}, base=config)", None),
        ("(compile_ahead.kernel_folder() / 'kernel.nbi').touch()", None),
        ("compile_ahead.memory_limit = lambda: MemoryLimit(bytes=2**29, used_bytes=0)", None),
    ],
    ids=["one core", "one worker", "kernels are compiled", "little memory"],
)
def test_there_is_no_second_compiler_without_need_or_room(
    folder: Path, before: str, cores: int | None
) -> None:
    process = start(folder, before=before, cores=cores)
    assert children_of(process) == []
    process.communicate("\n\n")


@two_cores
def test_a_second_compiler_that_finds_another_folder_compiles_nothing(folder: Path) -> None:
    elsewhere = "compile_ahead._BOOT = compile_ahead._BOOT.replace('; compile_', "
    elsewhere += "\"; given['folder'] += 'x'; compile_\")"
    process = start(folder, before=elsewhere)
    wait_until(lambda: not children_of(process), process)
    assert not list(folder.rglob("*.nbi"))
    process.communicate("\n\n")
