"""A full disk stops the run without damage, and the run continues by itself when there is space."""

import errno
import shutil
import signal
import subprocess

import pytest
from broken_os import BrokenOs
from processes import finish, start, status_of, wait_for, wait_for_state
from small_life import Life, assert_whole, files
from victim import load

from blobmaster.run.checkpoints import retry
from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.control import requests as control
from blobmaster.run.errors import RunDirectoryError
from blobmaster.run.files import atomic
from blobmaster.run.files.layout import RunLayout

ITERATIONS = 6


@pytest.mark.parametrize("where", ["before", "middle"])
def test_no_space_at_any_write_is_waited_out(fast_path, monkeypatch, where):
    monkeypatch.setattr(retry, "RETRY_SECONDS", 0.0)
    whole = BrokenOs(only=takes_space)
    monkeypatch.setattr(atomic, "os", whole)
    Life(fast_path / "whole").live(ITERATIONS)
    undisturbed = files(fast_path / "whole")
    assert len(whole.steps) > 60
    for number in range(len(whole.steps)):
        root = fast_path / "run"
        broken = BrokenOs(number, where, error=errno.ENOSPC, only=takes_space)
        monkeypatch.setattr(atomic, "os", broken)
        try:
            Life(root).live(ITERATIONS)
        except RunDirectoryError:  # before the run began: said in one line, nothing to hold
            Life(root).live(ITERATIONS)
        assert len(broken.steps) > number
        assert_whole(root)
        assert files(root) == undisturbed, f"no space {where} write {number}"
        shutil.rmtree(root)


def takes_space(step: str) -> bool:
    return step in {"open", "write", "mkdir"}


@pytest.fixture
def small_disk(tmp_path):
    """A filesystem of 2 MB; needs the permission to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small filesystem here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder) -> None:
    """Fill the disk to the last byte."""
    with (folder / "filler").open("ab", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while filler.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def trainer_on_a_full_disk(folder):
    root = folder / "run"
    process = start(root, 12, "--padding", 100_000, "--block-seconds", 0.05)
    wait_for(lambda: list(root.glob("cache/*.pth")), "a checkpoint")
    fill(folder)
    wait_for_state(root, "waiting")
    return process, root


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_space(small_disk, tmp_path):
    process, root = trainer_on_a_full_disk(small_disk)
    status = status_of(root)
    # The warning of a low disk may be renewed at any time, and then comes last.
    assert any("disk is full" in alert.message for alert in status.alerts)
    whole_before = CheckpointStore(RunLayout(root)).newest_valid()
    assert whole_before[0] is not None
    assert not whole_before[1]
    (small_disk / "filler").unlink()
    assert finish(process)[0] == 0
    assert not [alert for alert in status_of(root).alerts if alert.kind == "save-failed"]
    assert finish(start(tmp_path / "whole", 12))[0] == 0
    assert (
        load(CheckpointStore(RunLayout(root)))[0]
        == load(CheckpointStore(RunLayout(tmp_path / "whole")))[0]
    )


def test_a_run_that_waits_for_the_disk_can_be_stopped(small_disk):
    process, root = trainer_on_a_full_disk(small_disk)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143
    assert not CheckpointStore(RunLayout(root)).newest_valid()[1]


def test_a_run_that_waits_for_the_disk_can_be_paused(small_disk):
    process, root = trainer_on_a_full_disk(small_disk)
    control.send(root / "control.signal", "PAUSE")
    assert finish(process)[0] == 0
    assert not CheckpointStore(RunLayout(root)).newest_valid()[1]
