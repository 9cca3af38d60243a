"""The cache of compiled kernels, the decorators, and the bit operations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import blobmaster.kernels.compile
from blobmaster.kernels.compile import compiled_for, inner_kernel, kernel
from blobmaster.kernels.intrinsics import lowest_bit, popcount


@kernel
def bits_of(mask):
    return popcount(mask)


@kernel
def first_of(mask):
    return lowest_bit(mask)


@given(st.integers(1, 2**63 - 1))
def test_popcount_and_lowest_bit_agree_with_python(mask):
    assert bits_of(mask) == mask.bit_count()
    assert first_of(mask) == (mask & -mask).bit_length() - 1


@kernel
def ratio(part, whole):
    return part / whole


def test_kernels_divide_by_zero_as_numpy_does():
    assert bits_of(0) == 0
    assert ratio(1.0, 0.0) == float("inf")


@kernel
def double(pair):
    pair[0][:] *= 2


def test_compiled_for_does_not_run_the_kernel_and_accepts_other_arguments_of_the_types():
    first, second = (np.ones(3), np.zeros(1)), (np.ones(5), np.zeros(1))
    compiled = compiled_for(double, first)
    assert first[0].tolist() == [1, 1, 1]
    compiled(second)
    assert second[0].tolist() == [2, 2, 2, 2, 2]


def folder_seen_by(tmp_path: Path, package: Path | None = None, **environment: str) -> Path:
    """Return the cache folder of a new process with these environment variables."""
    script = "import blobmaster.kernels.compile as k; print(k.numba.config.CACHE_DIR)"
    return Path(output_of(script, tmp_path, package, **environment).strip())


def output_of(script: str, tmp_path: Path, package: Path | None = None, **environment: str) -> str:
    """Return what a script prints in a new process with these environment variables."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(package or Path(blobmaster.kernels.compile.__file__).parents[2]),
            **environment,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_kernels_are_cached_in_the_folder_that_the_user_names(tmp_path):
    folder = folder_seen_by(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
    assert folder.is_dir()
    assert folder.parent == tmp_path / "kernels" / "blobmaster"
    assert folder_seen_by(tmp_path).is_relative_to(tmp_path / "home" / ".cache")


@pytest.fixture
def copy(tmp_path) -> Path:
    """Return a copy of the package."""
    source = Path(blobmaster.kernels.compile.__file__).parents[1]
    copy = tmp_path / "copy" / "blobmaster"
    for path in source.rglob("*.py"):
        (copy / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(source)).write_bytes(path.read_bytes())
    return copy


def test_another_copy_of_the_package_loads_what_the_first_one_compiled(tmp_path, copy):
    script = (
        "from blobmaster.game.scoring import exact_points, score; score(2, 2); "
        "print(*(sum(k.stats.cache_hits.values()) for k in (score, exact_points)))"
    )
    assert output_of(script, tmp_path) == "0 0\n"
    assert output_of(script, tmp_path, copy.parent) == "1 0\n"
    scoring = copy / "game" / "scoring.py"
    scoring.write_text(scoring.read_text().replace("return", "return  "))
    assert output_of(script, tmp_path, copy.parent) == "0 0\n"
    assert output_of(script, tmp_path) == "1 0\n"


def test_an_edited_source_starts_a_fresh_folder(tmp_path, copy):
    same = folder_seen_by(tmp_path, copy.parent)
    assert same.name == folder_seen_by(tmp_path).name
    for edited in ("game/cards.py", "search/tree.py", "kernels/rng.py", "evaluation/exact/tree.py"):
        (copy / edited).write_text((copy / edited).read_text() + "# edited\n")
        other = folder_seen_by(tmp_path, copy.parent)
        assert other.name != same.name
        same = other


def test_a_kernel_outside_the_hashed_packages_is_refused(tmp_path):
    def function(x):
        return x

    function.__module__ = "blobmaster.run.status.eta"
    with pytest.raises(ImportError, match="add its folder to KERNEL_ROOMS"):
        kernel(function)
    function.__module__ = "blobmaster.game.rules"
    assert kernel(function)(3) == 3


@pytest.fixture
def no_cache(tmp_path) -> dict[str, str]:
    """Return variables of a user whose cache folder cannot be created, even by root."""
    (tmp_path / "file").write_text("not a folder")
    return {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "kernels")}


def test_without_a_writable_home_kernels_are_cached_in_a_private_temporary_folder(
    tmp_path, no_cache
):
    folder = folder_seen_by(tmp_path, **no_cache)
    assert folder.parent == tmp_path / f"blobmaster-{os.getuid()}"
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert folder_seen_by(tmp_path, **no_cache) == folder


CATCH = """
from blobmaster.kernels.errors import KernelsUnavailableError
try:
    import blobmaster.kernels.compile
except KernelsUnavailableError as error:
    print(error)
"""


def test_where_no_folder_can_be_written_an_import_says_what_to_set(tmp_path, no_cache):
    nowhere = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'file' / 'tmp')!r}\n"
    said = output_of(nowhere + CATCH, tmp_path, **no_cache)
    assert said.startswith("there is no folder to keep compiled kernels in (Not a directory)")
    assert said.endswith("set NUMBA_CACHE_DIR to a folder that you may write\n")


@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_a_temporary_folder_that_others_can_write_is_not_trusted(tmp_path, no_cache, trap):
    expected = tmp_path / f"blobmaster-{os.getuid()}"
    if trap == "open to all":
        expected.mkdir()
        expected.chmod(0o777)
    elif trap == "a link":
        (tmp_path / "elsewhere").mkdir()
        expected.symlink_to(tmp_path / "elsewhere")
    else:
        expected.write_text("")
    folder = folder_seen_by(tmp_path, **no_cache)
    assert folder.is_dir()
    assert folder.parent not in (expected, tmp_path / "elsewhere")
    assert folder.parent.stat().st_mode & 0o777 == 0o700


@inner_kernel
def tripled(x):
    return 3 * x


@kernel
def one_more_than_tripled(x):
    return tripled(x) + 1


def test_an_inner_kernel_is_called_by_kernels_only():
    assert one_more_than_tripled(2) == 7
    with pytest.raises(TypeError, match="tripled is an inner kernel: only kernels can call it"):
        tripled(2)  # compiled for a kernel already: it must be refused all the same
    with pytest.raises(TypeError, match="only kernels can call it"):
        tripled(0.5)
