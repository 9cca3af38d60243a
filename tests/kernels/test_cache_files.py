"""A cache that lost bytes, or a full disk: kernels are compiled again, and nothing else happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import blobmaster

SCRIPT = """
import resource, sys
import numba.core.event
from blobmaster.kernels.compile import c_function, inner_kernel, kernel

if len(sys.argv) > 1:  # no file may have more bytes, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
compiled = numba.core.event.RecordingListener()
numba.core.event.register("numba:compile", compiled)

@inner_kernel
def added(x):
    return x + 7

@kernel
def root(x):
    return added(x)

@c_function("int32(int64)")
def from_c(x):
    return x + 1

import ctypes
called = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(from_c.address)
print(root(1), called(1), sum(event.is_start for _, event in compiled.buffer))
"""

ALL_COMPILED = "8 2 2"  # of the function for C, numba reports nothing
ALL_LOADED = "8 2 0"


def run(folder: Path, *arguments: str) -> tuple[str, str]:
    """Run the script with its cache in `folder`; return its output and its errors."""
    script = folder / "kernels.py"
    if not script.exists():  # by its time of change, numba tells whether saved code still holds
        script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "kernels.py", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "NUMBA_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": str(Path(blobmaster.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr.strip()


def saved(folder: Path, pattern: str) -> list[Path]:
    return sorted((folder / "cache").rglob(pattern))


def empty(content: bytes) -> bytes:
    return content[:0]


def halve(content: bytes) -> bytes:
    return content[: len(content) // 2]


def zero_the_middle(content: bytes) -> bytes:
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def damage_each(files: list[Path]) -> None:
    """Damage each file in another way."""
    for path, damage in zip(files, (empty, halve, zero_the_middle), strict=True):
        path.write_bytes(damage(path.read_bytes()))


def test_damaged_files_are_compiled_again(tmp_path: Path):
    assert run(tmp_path) == (ALL_COMPILED, "")
    for pattern in ("*.nbi", "*.nbc"):
        damage_each(saved(tmp_path, pattern))
        assert run(tmp_path) == (ALL_COMPILED, "")
    assert run(tmp_path) == (ALL_LOADED, "")


def test_a_full_disk_costs_the_cache_and_not_the_run(tmp_path: Path):
    output, errors = run(tmp_path, "0")
    assert output == ALL_COMPILED
    assert errors.count("\n") == 0
    assert errors.startswith("compiled kernels cannot be kept in ")
    assert "File too large; every start compiles them again" in errors
    assert not saved(tmp_path, "*.nb[ic]")
    assert run(tmp_path) == (ALL_COMPILED, "")
