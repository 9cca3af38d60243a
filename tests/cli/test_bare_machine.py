"""Commands on a machine that lacks what others have: a home, a user's name, /proc, a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from saved_networks import save_network
from trainer import assert_refused, command, run

import blobmaster
from blobmaster.run.files.layout import RunLayout
from blobmaster.run.status.schema import read_status

SOURCES = str(Path(blobmaster.__file__).parents[1])
RUN_TESTS = Path(__file__).parents[1] / "run"
WITHOUT_PROC = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']
"""Starts a command in a mount namespace of its own, in which an empty folder hides /proc."""
NAMELESS = ["setpriv", "--reuid=12345", "--clear-groups"]


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can write; pytest's own belong to the user who runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="blobmaster-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def run_bare(prefix: list[str], words: list[str], folder: Path, **environment: str):
    """Run a command with an environment of these variables only; skip if the prefix cannot run."""
    # An interpreter below a private home cannot be started by another user.
    start_python = [*prefix, sys.executable, "-c", ""]
    if (
        shutil.which(prefix[0]) is None
        or subprocess.run(start_python, capture_output=True, check=False).returncode != 0
    ):
        pytest.skip(f"{prefix[0]} is not allowed here, or may not start {sys.executable}")
    return subprocess.run(
        [*prefix, *words],
        env={"PATH": os.defpath, "PYTHONPATH": SOURCES, "TMPDIR": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_user_without_home_and_name_has_kernels_in_a_private_temporary_folder(open_path):
    script = "import blobmaster.kernels.compile as k; print(k.numba.config.CACHE_DIR)"
    done = run_bare(NAMELESS, [sys.executable, "-c", script], open_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == open_path / "blobmaster-12345"


@pytest.mark.parametrize("words", [["x.pth"], ["--resume"]])
def test_a_user_without_home_and_name_is_told_to_name_the_saved_game(open_path, words):
    done = run_bare(NAMELESS, command("play", *words), open_path)
    assert_refused(done, "no home folder", "HOME", "--saved")


def test_a_run_is_trained_and_watched_without_proc(open_path):
    victim = [sys.executable, str(RUN_TESTS / "victim.py"), "run", "2"]
    done = run_bare(WITHOUT_PROC, victim, open_path)
    assert done.returncode == 0, done.stderr
    status = read_status(RunLayout(open_path / "run").status)
    assert (status.state, status.machine) == ("finished", None)
    assert status.disk is not None
    assert done.stderr.count("cannot read the machine's load") <= 1
    page = run_bare(
        WITHOUT_PROC, command("monitor", "--once", "--checkpoint-dir", "run"), open_path
    )
    assert page.returncode == 0, page.stderr
    assert "finished" in page.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--fast"],
        ["play", "CHECKPOINT"],
        ["evaluate", "CHECKPOINT", "--deals", "10"],
        ["ground-truth"],
        ["export", "CHECKPOINT"],
        ["bench", "status"],
    ],
    ids=lambda words: words[0],
)
def test_a_compiler_that_is_switched_off_is_refused_in_one_line(tmp_path, monkeypatch, words):
    checkpoint = str(save_network(tmp_path))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    words = [checkpoint if word == "CHECKPOINT" else word for word in words]
    done = run(*words, cwd=tmp_path)
    assert_refused(done, "unset NUMBA_DISABLE_JIT")
    assert not RunLayout(tmp_path / "models" / "checkpoints").status.exists()


def test_without_a_compiler_the_commands_that_need_none_work(tmp_path, monkeypatch):
    checkpoint = save_network(tmp_path)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    for words in (
        ["checkpoints", "list", "--checkpoint-dir", tmp_path],
        ["settings", checkpoint],
        ["train", "--help"],
    ):
        done = run(*words)
        assert done.returncode == 0, done.stderr
