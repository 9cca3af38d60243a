"""Memory that runs out is answered in one line, before the run begins and after."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from trainer import TINY, command, status_of, write_config

from blobmaster.run.files.layout import RunLayout
from blobmaster.training.out_of_memory import is_out_of_memory, out_of_memory_text

LIMIT_KB = 3_000_000
"""Address space in which a tiny run trains."""


def train_within_the_limit(config: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, which cannot have more memory."""
    words = command("train", "--config", config, "--checkpoint-dir", root, "--workers", 1)
    script = f'ulimit -v {LIMIT_KB}; exec "$@"'
    return subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=False
    )


def assert_one_line_on_memory(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("blobmaster: not enough memory: ")
    assert "lower learning.batch" in line


def test_a_run_that_memory_cannot_hold_is_refused_before_it_changes_the_directory(
    tmp_path: Path,
) -> None:
    config = write_config(tmp_path, TINY.replace("batch = 32", "batch = 262144"))
    done = train_within_the_limit(config, tmp_path / "run")
    assert_one_line_on_memory(done)
    assert "1.7 GB could not be allocated" in done.stderr
    assert "next:" not in done.stdout
    assert status_of(tmp_path / "run") == {}


def test_a_run_whose_memory_runs_out_fails_and_its_log_and_status_say_why(tmp_path: Path) -> None:
    changes = {
        "worlds = 2": "worlds = 64",
        "simulations = 6": "simulations = 4096",
        "rounds = 24": 'decide_by = "search"\nrounds = 65536',
        "rounds_per_block = 8": "rounds_per_block = 65536",
        "lanes = 8": "lanes = 65536",
    }
    text = TINY
    for old, new in changes.items():
        text = text.replace(old, new)
    root = tmp_path / "run"
    done = train_within_the_limit(write_config(tmp_path, text), root)
    assert_one_line_on_memory(done)
    status = status_of(root)
    assert status["state"] == "failed"
    assert status["error"].startswith("not enough memory: ")
    assert status["error"] in RunLayout(root).log.read_text()
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 5 bytes."),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=str,
)
def test_an_error_of_any_library_is_recognized(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert len(out_of_memory_text(error).splitlines()) == 1


def test_another_error_is_none_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(OSError(28, "No space left on device"))


def test_the_size_that_could_not_be_allocated_is_named() -> None:
    with pytest.raises(MemoryError) as caught:
        np.zeros(2**55)
    assert ": 256. PiB could not be allocated;" in out_of_memory_text(caught.value)
    on_gpu = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
    assert ": 2.00 GiB could not be allocated;" in out_of_memory_text(on_gpu)
