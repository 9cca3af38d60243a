"""Fixtures for the tests of the run's files."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

RAM = Path("/dev/shm")


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory if the machine has one, for thousands of files without syncs."""
    if not RAM.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=RAM, prefix="blobmaster-"))
    yield folder
    shutil.rmtree(folder)
